"""To half the resolution. Axes: as in `custom.networks.m4oe`."""

from __future__ import annotations

import torch
from torch import nn


class PatchMerging(nn.Module):
    """Four neighbouring tokens become one of twice the channels: norm and linear, in MONAI's order of the four.

    MONAI's own does the same and does not script.

    Args:
        channels: channels of a token, c.

    Example:
        >>> PatchMerging(channels=8)(torch.rand(1, 6, 4, 8)).shape
        torch.Size([1, 3, 2, 16])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Merge.

        Args:
            x: `(b, h, w, c)`, height and width even.

        Returns:
            `(b, h/2, w/2, 2c)`.
        """
        images, height, width, channels = x.shape
        x = x.reshape(images, height // 2, 2, width // 2, 2, channels).permute(0, 1, 3, 4, 2, 5).flatten(3)
        return self.reduction(self.norm(x))
