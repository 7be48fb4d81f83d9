from __future__ import annotations

from collections.abc import Mapping

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


class TokenAverageGate(nn.Module):
    """`AverageGate` for tokens: of n experts that a modality sees each counts 1/n. No parameters.

    Args:
        sees: As in `TokenGate`.

    Example:
        >>> gate = TokenAverageGate({"ct": 2, "mr": 2, "cine": 3})
        >>> weights, _ = gate(torch.rand(2, 1, 1, 8), torch.tensor([0, 2]), experts=3)
        >>> weights[:, 0, 0]
        tensor([[0.5000, 0.5000, 0.0000],
                [0.3333, 0.3333, 0.3333]])
    """

    def __init__(self, sees: Mapping[str, int]) -> None:
        super().__init__()
        visible = torch.arange(len(sees)) < torch.tensor(list(sees.values()))[:, None]
        self.register_buffer("weights", visible / visible.sum(1, keepdim=True), persistent=False)

    def forward(self, tokens: torch.Tensor, modality: torch.Tensor, experts: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Give each expert the same.

        Args:
            tokens: `(b, h, w, c)`.
            modality: Each image's own expert, `(b,)`.
            experts: Weigh this many, from the first on.

        Returns:
            Weights `(b, h, w, e)`, and 0, since there are no scores.
        """
        weights = self.weights[modality][:, None, None, :experts]  # type: ignore[index]
        return weights.expand(-1, tokens.shape[1], tokens.shape[2], -1), torch.zeros([], device=tokens.device)
