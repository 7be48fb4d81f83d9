"""A Swin block. Axes: as in `custom.networks.m4oe`."""

from __future__ import annotations

import torch
from torch import nn

from ..mixture import ExpertMixture
from .window_attention import WindowAttention


class SwinBlock(nn.Module):
    """`x = x + attention(norm(x))`, then `x = x + mixture(norm(x))`: a Swin block whose MLP is a mixture of experts.

    Args:
        channels: Channels of a token, c.
        heads: Of the attention.
        window: Side of a window in tokens.
        shift: As in `WindowAttention`.
        drop_path: Probability that an image skips the attention, and again the mixture, in training, in [0, 1).
        mixture: The experts, for tokens of c channels.

    Example:
        >>> mixture = ExpertMixture(channels=8, hidden=32, sees={"ct": 1})
        >>> block = SwinBlock(channels=8, heads=2, window=4, shift=2, drop_path=0.0, mixture=mixture)
        >>> x, weights, router_z = block(torch.rand(1, 6, 6, 8), torch.tensor([0]), counts=[1], hard=False)
        >>> x.shape, weights.shape
        (torch.Size([1, 6, 6, 8]), torch.Size([1, 6, 6, 1]))
    """

    def __init__(
        self, channels: int, heads: int, window: int, shift: int, drop_path: float, mixture: ExpertMixture
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = WindowAttention(channels, heads, window, shift)
        self.norm2 = nn.LayerNorm(channels)
        self.mixture = mixture
        self.drop_path = nn.Dropout(drop_path)

    def forward(
        self, x: torch.Tensor, modality: torch.Tensor, counts: list[int], hard: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Transform the tokens; arguments and what is returned are those of `ExpertMixture.forward`."""
        x = x + self._drop(self.attention(self.norm1(x)))
        mixed, weights, router_z = self.mixture(self.norm2(x), modality, counts, hard)
        return x + self._drop(mixed), weights, router_z

    def _drop(self, branch: torch.Tensor) -> torch.Tensor:
        if not self.drop_path.training or self.drop_path.p == 0.0:
            return branch
        return branch * self.drop_path(branch.new_ones([branch.shape[0], 1, 1, 1]))
