from __future__ import annotations

import torch
from torch import nn


class Layers(nn.Sequential):
    """A sequence whose layers may tell modalities apart: those that have `takes_counts` get the counts, too.

    Example:
        >>> layers = Layers(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8))
        >>> layers(torch.rand(2, 3, 4, 4), []).shape
        torch.Size([2, 8, 4, 4])
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self.takes_counts = True

    def forward(self, x: torch.Tensor, counts: list[int]) -> torch.Tensor:  # type: ignore[override]
        """Run the layers one after the other.

        Args:
            x: what the first layer takes.
            counts: as in `JoinedNorm`; may be empty where no layer tells modalities apart.

        Returns:
            What the last layer gives.
        """
        for layer in self:
            # TorchScript decides it when it compiles.
            x = layer(x, counts) if hasattr(layer, "takes_counts") else layer(x)
        return x
