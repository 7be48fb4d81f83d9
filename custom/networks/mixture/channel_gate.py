"""The gate of M4oE's release. Axes: as in `custom.networks.mixture`."""

from __future__ import annotations

import torch
from torch import nn


class ChannelGate(nn.Module):
    """The gate as M4oE's authors released it, kept as a control: `softmax_c(W x + b)` onto the sum of the experts.

    The softmax runs over the channels, and all experts get the same weights, `y = w * sum_e f_e(x)`: it cannot prefer
    an expert, there is one network of several times the width. The weights are 1/c on average, which damps the experts.

    Args:
        channels: Channels of a token, c.

    Example:
        >>> weights, _ = ChannelGate(channels=8)(torch.rand(1, 4, 4, 8), torch.tensor([0]), experts=3)
        >>> weights.shape
        torch.Size([1, 4, 4, 8])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = nn.Linear(channels, channels)
        nn.init.trunc_normal_(self.score.weight, std=0.02)
        nn.init.zeros_(self.score.bias)

    def forward(self, tokens: torch.Tensor, modality: torch.Tensor, experts: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Weigh the channels.

        Args:
            tokens: `(b, h, w, c)`.
            modality: Not used.
            experts: Not used.

        Returns:
            Weights `(b, h, w, c)`, float32, summing to one over the channels, and 0: no score is of an expert.
        """
        return torch.softmax(self.score(tokens).float(), dim=-1), torch.zeros([], device=tokens.device)
