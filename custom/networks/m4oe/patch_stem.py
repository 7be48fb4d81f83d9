"""The paper's way from pixels to tokens and back. Axes: as in `custom.networks.m4oe`."""

from __future__ import annotations

import torch
from torch import nn

from .patch_resampling import PatchExpanding


class PatchStem(nn.Module):
    """Patches of 4 x 4 pixels become tokens by one linear layer; at the end every token becomes 4 x 4 pixels.

    Args:
        channels: Channels of a token, c.

    Attributes:
        stride: Pixels per token, 4.
        output_channels: Channels of a pixel that `finish` returns.
        output_stride: Image pixels per pixel of `finish`, 1.

    Example:
        >>> stem = PatchStem(channels=8)
        >>> tokens, skips = stem(torch.rand(1, 3, 32, 16), [])
        >>> tokens.shape, stem.finish(tokens, skips, []).shape
        (torch.Size([1, 8, 4, 8]), torch.Size([1, 32, 16, 8]))
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, channels, kernel_size=4, stride=4)
        self.norm = nn.LayerNorm(channels)
        self.expand = PatchExpanding(channels, channels, factor=4)
        nn.init.trunc_normal_(self.expand.expand.weight, std=0.02)
        self.stride, self.output_channels, self.output_stride = 4, channels, 1

    def forward(self, image: torch.Tensor, counts: list[int]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Make tokens.

        Args:
            image: Normalised, `(b, 3, h, w)`, height and width multiples of 4.
            counts: Not used, there is no batch norm.

        Returns:
            Tokens `(b, h/4, w/4, c)`, and no skips.
        """
        skips: list[torch.Tensor] = []
        return self.norm(self.proj(image).permute(0, 2, 3, 1)), skips

    @torch.jit.export
    def finish(self, tokens: torch.Tensor, skips: list[torch.Tensor], counts: list[int]) -> torch.Tensor:
        """Go back to pixels.

        Args:
            tokens: As `forward` gives them.
            skips: As `forward` gives them.
            counts: Not used.

        Returns:
            `(b, h, w, output_channels)`.
        """
        return self.expand(tokens)
