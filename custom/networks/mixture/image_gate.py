from __future__ import annotations

import torch
from torch import nn


class ImageGate(nn.Module):
    """One weight an expert and image, from what all experts saw on average.

    `weights = softmax(W2 relu(W1 norm(mean_hw(features))))`. The pooled features are normalised per image
    (layer norm), so that the gate learns equally fast whatever their scale. Unlike `ChannelAttentionGate` it has no
    softmax over hidden channels, which would shrink its input and pin the weights near 1/E.

    The last layer starts small but not at zero: the weights begin near 1/E and every layer gets a gradient.

    Args:
        channels: Channels of one expert, c.
        experts: Number of experts, e.
        hidden: Width of the hidden layer.

    Example:
        >>> gate = ImageGate(channels=32, experts=3, hidden=48)
        >>> gate(torch.rand(2, 3, 32, 16, 16)).shape
        torch.Size([2, 3])
    """

    def __init__(self, channels: int, experts: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels * experts)
        self.hidden = nn.Linear(channels * experts, hidden)
        self.score = nn.Linear(hidden, experts)
        nn.init.normal_(self.score.weight, std=0.02)
        nn.init.zeros_(self.score.bias)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Score the experts.

        Args:
            features: `(b, e, c, h, w)`.

        Returns:
            Weights `(b, e)`, summing to one over the experts.
        """
        pooled = self.norm(features.mean(dim=(3, 4)).flatten(1))
        return torch.softmax(self.score(torch.relu(self.hidden(pooled))), dim=1)
