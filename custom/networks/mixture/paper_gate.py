from __future__ import annotations

import torch
from torch import nn


class ChannelAttentionGate(nn.Module):
    """Semi-MoE's gate as its authors released it (arXiv 2509.13834), kept for parity; ours is `ImageGate`.

    Global average pool, linear to half the width and ReLU, "attention" (a linear layer and a softmax over the hidden
    *channels*, multiplied onto them), dropout 0.1, linear to the experts, softmax. The softmax over n channels divides
    the hidden vector by about n, so the weights start at 1/E within a few thousandths and leave it slowly.
    Kaiming-normal weights, biases 0. 28,131 parameters for 3 experts of 64 channels.

    Args:
        channels: Channels of one expert, c (the paper: 64).
        experts: Number of experts, e (the paper: 3).

    Example:
        >>> gate = ChannelAttentionGate(channels=64, experts=3)
        >>> sum(p.numel() for p in gate.parameters())
        28131
    """

    def __init__(self, channels: int, experts: int) -> None:
        super().__init__()
        width = channels * experts
        hidden = width // 2
        self.hidden = nn.Linear(width, hidden)
        self.attention = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(0.1)
        self.score = nn.Linear(hidden, experts)
        for layer in (self.hidden, self.attention, self.score):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Score the experts.

        Args:
            features: `(b, e, c, h, w)`.

        Returns:
            Weights `(b, e)`, summing to one over the experts.
        """
        hidden = torch.relu(self.hidden(features.mean(dim=(3, 4)).flatten(1)))
        hidden = self.dropout(hidden * torch.softmax(self.attention(hidden), dim=1))
        return torch.softmax(self.score(hidden), dim=1)
