"""To half the resolution, and back to more. Axes: as in `custom.networks.m4oe`."""

from __future__ import annotations

import torch
from torch import nn


class PatchMerging(nn.Module):
    """Four neighbouring tokens become one of twice the channels: norm and linear, in MONAI's order of the four.

    MONAI's own does the same and does not script.

    Args:
        channels: Channels of a token, c.

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


class PatchExpanding(nn.Module):
    """Every token becomes `factor` x `factor` tokens: linear, taken apart in row-major order, and norm.

    Args:
        channels: Channels of a token, c.
        outputs: Channels of the new tokens, o.
        factor: How many times as high and wide, f.

    Example:
        >>> PatchExpanding(channels=16, outputs=8)(torch.rand(1, 3, 2, 16)).shape
        torch.Size([1, 6, 4, 8])
    """

    def __init__(self, channels: int, outputs: int, factor: int = 2) -> None:
        super().__init__()
        self.factor = factor
        self.expand = nn.Linear(channels, factor * factor * outputs, bias=False)
        self.norm = nn.LayerNorm(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Expand.

        Args:
            x: `(b, h, w, c)`.

        Returns:
            `(b, f h, f w, o)`.
        """
        images, height, width = x.shape[0], x.shape[1], x.shape[2]
        x = self.expand(x).view(images, height, width, self.factor, self.factor, -1).transpose(2, 3)
        return self.norm(x.reshape(images, height * self.factor, width * self.factor, -1))
