from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn as nn


class _Bounded(torch.autograd.Function):
    """Clamp whose gradient vanishes only where it would push further out.

    `torch.clamp` has no gradient outside its bounds, so a value carried over by momentum would never come back.
    """

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, bound: float) -> torch.Tensor:
        ctx.save_for_backward(value)
        ctx.bound = bound
        return value.clamp(-bound, bound)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (value,), gradient = ctx.saved_tensors, gradients[0]
        # Descent moves against the gradient.
        outward = ((value <= -ctx.bound) & (gradient > 0)) | ((value >= ctx.bound) & (gradient < 0))
        return gradient.masked_fill(outward, 0.0), None


class AdaptiveMultiObjectiveLoss(nn.Module):
    """Sum of losses with learnt weights, `Σ_k c_k exp(-s_k) L_k + penalty Σ_k exp(s_k)`.

    The Semi-MoE release, `aux_loss.py`: c = 1, 0.5, 1 for mask, distance, boundary, penalty 0.4, every s starting at
    1. At rest `exp(s_k) = sqrt(c_k L_k / penalty)`: the weight of loss k is `c_k sqrt(penalty / (c_k L_k))`, and it
    costs `2 sqrt(penalty c_k L_k)`, so in effect every loss is replaced by its root.

    Departure from the release: s stays within `[-bound, bound]`. The weight would otherwise grow without end as a
    loss nears 0; with bound 3 it is at most 20 c_k (reached at `c_k L_k = penalty exp(-2 bound) = 0.001`).

    Args:
        coefficients: c of each objective by its name, > 0; at least one.
        penalty: What keeps the weights from 0; > 0.
        start: s of every objective at the beginning, within the bound.
        bound: Largest `|s|`; > 0.
        learnable: False keeps s at its start, as a control: weights stay `c_k exp(-start)`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> loss = AdaptiveMultiObjectiveLoss({"mask": 1.0, "distance": 0.5, "boundary": 1.0})
        >>> {name: round(weight, 3) for name, weight in loss.weights().items()}
        {'mask': 0.368, 'distance': 0.184, 'boundary': 0.368}
    """

    coefficients: torch.Tensor

    def __init__(
        self,
        coefficients: Mapping[str, float],
        penalty: float = 0.4,
        start: float = 1.0,
        bound: float = 3.0,
        learnable: bool = True,
    ) -> None:
        super().__init__()
        if not coefficients or min(coefficients.values()) <= 0:
            raise ValueError(f"coefficients: got {dict(coefficients)}, wanted one or more objectives with numbers > 0")
        if penalty <= 0 or bound <= 0:
            raise ValueError(f"penalty and bound: got {penalty} and {bound}, wanted both > 0")
        if abs(start) > bound:
            raise ValueError(f"start: got {start}, wanted within the bound, {bound}, of 0")
        self.names = tuple(coefficients)
        self.penalty, self.bound = penalty, bound
        self.register_buffer("coefficients", torch.tensor([float(coefficients[name]) for name in self.names]))
        self.s = nn.Parameter(torch.full((len(self.names),), float(start)), requires_grad=learnable)

    def forward(self, losses: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Weigh and sum all losses.

        Args:
            losses: A scalar for each objective, >= 0, in any order.

        Returns:
            A scalar.

        Raises:
            ValueError: An objective is missing or unknown, or a loss is not a scalar.
        """
        if set(losses) != set(self.names):
            raise ValueError(f"losses: got {sorted(losses)}, wanted {sorted(self.names)}")
        for name, loss in losses.items():
            if loss.ndim:
                raise ValueError(f"loss of {name}: got shape {tuple(loss.shape)}, wanted a scalar")
        s = _Bounded.apply(self.s, self.bound)
        stacked = torch.stack([losses[name] for name in self.names])
        return (self.coefficients * torch.exp(-s) * stacked).sum() + self.penalty * torch.exp(s).sum()

    def weights(self) -> dict[str, float]:
        """Present weight of each objective, `c_k exp(-s_k)`, for the log."""
        s = self.s.detach().clamp(-self.bound, self.bound)
        return dict(zip(self.names, (self.coefficients * torch.exp(-s)).tolist(), strict=True))
