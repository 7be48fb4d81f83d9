from __future__ import annotations

import torch
from torch import nn


class AverageGate(nn.Module):
    """Every expert counts the same, 1/E: the control that shows what a learned gate brings. No parameters.

    Example:
        >>> AverageGate()(torch.rand(1, 4, 8, 2, 2))
        tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Give each expert 1/E.

        Args:
            features: `(b, e, c, h, w)`.

        Returns:
            Weights `(b, e)`.
        """
        experts = features.shape[1]
        return torch.full([features.shape[0], experts], 1.0 / experts, dtype=features.dtype, device=features.device)
