"""Attention within windows. Axes: as in `custom.networks.m4oe`, v windows, n tokens of one, k heads."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class WindowAttention(nn.Module):
    """Self-attention among the tokens of a window, with a learned bias for every offset (Swin, Liu et al. 2021).

    MONAI's `swin_unetr.WindowAttention` on the maps where that is right, in TorchScript and for every map: one smaller
    than the window is one window of its own size with the offsets of its own tokens (MONAI cuts the flattened index and
    gets others), and what pads a map to whole windows is seen by no token, shifted or not. Under autocast everything
    stays in bfloat16.

    Args:
        channels: Channels of a token, c, a multiple of `heads`.
        heads: Number of heads.
        window: Side of a window in tokens.
        shift: By how many tokens the windows are moved down and right, in [0, window).

    Raises:
        ValueError: Channels are no multiple of the heads.

    Example:
        >>> attention = WindowAttention(channels=8, heads=2, window=4, shift=2)
        >>> attention(torch.rand(1, 7, 3, 8)).shape
        torch.Size([1, 7, 3, 8])
    """

    def __init__(self, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"channels must be a multiple of the heads, got {channels} and {heads}")
        self.heads, self.window, self.shift = heads, window, shift
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.relative_position_bias = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias, std=0.02)
        place = torch.arange(window)
        offset = place[:, None] - place + window - 1
        # (row, column, other row, other column): each can be cut to a smaller window
        index = offset[:, None, :, None] * (2 * window - 1) + offset[None, :, None, :]
        self.register_buffer("index", index, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attend.

        Args:
            x: `(b, h, w, c)`, any height and width.

        Returns:
            The same shape.
        """
        height, width = x.shape[1], x.shape[2]
        rows, columns = min(self.window, height), min(self.window, width)
        down = self.shift if height > self.window else 0
        right = self.shift if width > self.window else 0
        bottom, side = (rows - height % rows) % rows, (columns - width % columns) % columns
        if bottom + side > 0:
            x = F.pad(x, [0, 0, 0, side, 0, bottom])
        if down + right > 0:
            x = torch.roll(x, [-down, -right], [1, 2])
        blocked: torch.Tensor | None = None
        if bottom + side + down + right > 0:
            areas = _areas(height, bottom, down, x.device)[:, None] * 3 + _areas(width, side, right, x.device)
            area = _windows(areas[None, :, :, None], rows, columns)[0, :, :, 0]
            blocked = area[:, :, None] != area[:, None, :]
        attended = self._attend(_windows(x, rows, columns), self._bias(rows, columns), blocked)
        x = attended.view(x.shape[0], x.shape[1] // rows, x.shape[2] // columns, rows, columns, x.shape[3])
        x = x.transpose(2, 3).reshape(attended.shape[0], height + bottom, width + side, attended.shape[3])
        if down + right > 0:
            x = torch.roll(x, [down, right], [1, 2])
        return x[:, :height, :width]

    def _bias(self, rows: int, columns: int) -> torch.Tensor:
        """The learned bias of every pair of tokens of a window, `(k, n, n)`."""
        index = self.index[:rows, :columns, :rows, :columns].reshape(-1)  # type: ignore[index]
        tokens = rows * columns
        return self.relative_position_bias[index].view(tokens, tokens, self.heads).permute(2, 0, 1)

    def _attend(self, x: torch.Tensor, bias: torch.Tensor, blocked: torch.Tensor | None) -> torch.Tensor:
        images, windows, tokens, channels = x.shape
        # Windows and heads in one axis: then one mask serves all images, without a copy for each.
        qkv = self.qkv(x).view(images, windows, tokens, 3, self.heads, channels // self.heads)
        qkv = qkv.permute(3, 0, 1, 4, 2, 5).flatten(2, 3)
        mask = bias.unsqueeze(0)
        if blocked is not None:
            mask = mask.masked_fill(blocked.unsqueeze(1), float("-inf"))
        mask = mask.to(qkv.dtype).expand(windows, -1, -1, -1).flatten(0, 1).unsqueeze(0)
        y = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], attn_mask=mask)
        y = y.view(images, windows, self.heads, tokens, channels // self.heads).transpose(2, 3).flatten(3)
        return self.proj(y)


def _windows(x: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """`(b, h, w, c)`, whole windows, to `(b, v, n, c)`."""
    images, height, width, channels = x.shape
    x = x.reshape(images, height // rows, rows, width // columns, columns, channels)
    return x.transpose(2, 3).reshape(images, -1, rows * columns, channels)


def _areas(size: int, padding: int, shift: int, device: torch.device) -> torch.Tensor:
    """Along one axis after the shift: 1 for what came round from the other end, 2 for padding, 0 for the rest."""
    place = torch.arange(size + padding, device=device)
    came_round = place >= size + padding - shift
    padded = (place + shift) % (size + padding) >= size
    return came_round.long() + 2 * padded.long()
