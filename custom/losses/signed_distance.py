"""The loss of signed-distance maps. Axes: b images, h and w the two spatial axes."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from .shapes import check_maps

_KINDS = ("smooth_l1", "mse")


class SignedDistanceLoss(nn.Module):
    """Mean difference of two distance maps in [-1, 1]: `smooth_l1` (the default) or `mse` (the Semi-MoE release's).

    Smooth L1 is `d² / (2 beta)` below beta and `|d| - beta / 2` above: of a wrong pseudo-label it takes the sign, not
    the size, and near the border, where the distance is small, it does not go to sleep as the square does.

    Args:
        kind: "smooth_l1" or "mse".
        beta: Where smooth L1 turns from square to line, in units of the map; > 0. Unused by "mse".

    Raises:
        ValueError: Kind is unknown or beta is not positive.

    Example:
        >>> round(float(SignedDistanceLoss()(torch.full((1, 1, 4, 4), 0.5), torch.zeros(1, 1, 4, 4))), 4)
        0.45
    """

    def __init__(self, kind: str = "smooth_l1", beta: float = 0.1) -> None:
        super().__init__()
        if kind not in _KINDS:
            raise ValueError(f"kind: got {kind!r}, wanted one of {_KINDS}")
        if beta <= 0:
            raise ValueError(f"beta: got {beta}, wanted > 0")
        self.kind, self.beta = kind, beta

    def forward(
        self, prediction: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Mean loss over the batch.

        Args:
            prediction: Distance after tanh `(b, 1, h, w)`, in [-1, 1].
            target: Distance `(b, 1, h, w)`, in [-1, 1].
            weight: Trust in each pixel `(b, 1, h, w)`, >= 0, or None; the mean is over all pixels.

        Returns:
            A scalar, float32.

        Raises:
            ValueError: A shape differs. The release broadcast its target over the batch here.
        """
        check_maps(prediction, target, weight, channels=1)
        prediction, target = prediction.float(), target.float()
        if self.kind == "mse":
            loss = F.mse_loss(prediction, target, reduction="none")
        else:
            loss = F.smooth_l1_loss(prediction, target, reduction="none", beta=self.beta)
        return loss.mean() if weight is None else (loss * weight).mean()

    def pseudo_target(self, prediction: torch.Tensor, hard: bool) -> torch.Tensor:
        """The target that a teacher's prediction makes: the distance itself, whether `hard` or not.

        Args:
            prediction: Distance after tanh `(b, 1, h, w)`.
            hard: Of no effect; every loss takes it.

        Returns:
            `(b, 1, h, w)`, float32, without gradient.
        """
        return prediction.detach().float()
