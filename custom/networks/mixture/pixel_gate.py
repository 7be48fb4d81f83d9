from __future__ import annotations

import torch
from torch import nn


class PixelGate(nn.Module):
    """One weight an expert and pixel: two 1x1 convolutions over all experts' features, softmax over the experts.

    Starts near 1/E like `ImageGate`.

    Args:
        channels: Channels of one expert, c.
        experts: Number of experts, e.
        hidden: Width of the hidden layer.

    Example:
        >>> gate = PixelGate(channels=32, experts=3, hidden=48)
        >>> gate(torch.rand(2, 3, 32, 16, 16)).shape
        torch.Size([2, 3, 16, 16])
    """

    def __init__(self, channels: int, experts: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(channels * experts, hidden, 1)
        self.score = nn.Conv2d(hidden, experts, 1)
        nn.init.normal_(self.score.weight, std=0.02)
        nn.init.zeros_(self.score.bias)  # type: ignore[arg-type]

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Score the experts at every pixel.

        Args:
            features: `(b, e, c, h, w)`.

        Returns:
            Weights `(b, e, h, w)`, summing to one over the experts.
        """
        return torch.softmax(self.score(torch.relu(self.hidden(features.flatten(1, 2)))), dim=1)
