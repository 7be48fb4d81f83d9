"""What is left where there are no Swin stages. Axes: as in `custom.networks.m4oe`."""

from __future__ import annotations

import torch
from torch import nn


class NoTrunk(nn.Module):
    """The control of `Trunk`: tokens go through as they are. No parameters.

    Attributes:
        layers: none.

    Example:
        >>> x, gates, router_z = NoTrunk()(torch.rand(1, 8, 8, 8), torch.tensor([0]), [1], False)
        >>> x.shape, gates
        (torch.Size([1, 8, 8, 8]), [])
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[str] = []

    def forward(
        self, x: torch.Tensor, modality: torch.Tensor, counts: list[int], hard: bool
    ) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
        """Return the tokens, no gate, and 0; arguments as in `Trunk`."""
        gates: list[torch.Tensor] = []
        return x, gates, torch.zeros([], device=x.device)
