"""Dice and cross-entropy on two-channel logits. Axes: b images, c channels, h and w the two spatial axes."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from .shapes import check_maps


def two_classes(target: torch.Tensor) -> torch.Tensor:
    """Background and foreground `(b, 2, h, w)` float32 of a foreground probability `(b, 1, h, w)`."""
    foreground = target.float()
    return torch.cat([1 - foreground, foreground], dim=1)


def soft_dice(
    probability: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, smooth: float, squared: bool
) -> torch.Tensor:
    """Dice loss of every image and class, `1 - (2 Σ w p t + smooth) / (Σ w pⁿ + Σ w tⁿ + smooth)`, n = 2 if squared.

    With squares it is smallest, 0, exactly at `p = t`, soft targets included (`2pt <= p² + t²`). Without them a soft
    target is not its own best prediction, so use that form with hard targets only.

    Args:
        probability: `(b, c, h, w)`, in [0, 1].
        target: `(b, c, h, w)`, in [0, 1].
        weight: `(b, 1, h, w)`, >= 0, shared by the classes; None weighs all pixels alike.
        smooth: Added above and below; > 0 makes an empty class that is predicted empty cost 0.
        squared: Squares in the denominator.

    Returns:
        `(b, c)`.
    """
    both, power = probability * target, 2 if squared else 1
    total = probability**power + target**power
    if weight is not None:
        both, total = both * weight, total * weight
    return 1 - (2 * both.sum(dim=(2, 3)) + smooth) / (total.sum(dim=(2, 3)) + smooth)


def soft_cross_entropy(logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    """Mean over pixels of `-w Σ_c t_c log softmax(logits)_c`; smallest at `softmax(logits) = target`.

    The mean is over all pixels, not over the weight: pixels hardly trusted teach little instead of the few trusted
    ones teaching all the more.

    Args:
        logits: `(b, c, h, w)`.
        target: `(b, c, h, w)`, sums to 1 over c.
        weight: `(b, 1, h, w)`, >= 0, or None.
    """
    entropy = -(target * F.log_softmax(logits, dim=1)).sum(dim=1, keepdim=True)
    return entropy.mean() if weight is None else (entropy * weight).mean()


class SegmentationLoss(nn.Module):
    """Dice, per image and as the mean of background and foreground, plus cross-entropy, for hard and soft targets.

    The Semi-MoE release has Dice only, with squares and smooth 1: `SegmentationLoss(cross_entropy_weight=0)`.

    Args:
        dice_weight: Factor of the Dice term, >= 0.
        cross_entropy_weight: Factor of the cross-entropy, >= 0.
        smooth: Smoothing of Dice, > 0.
        squared: Squares in Dice's denominator; needed by soft targets (see `soft_dice`).

    Raises:
        ValueError: A factor is negative, both are 0, or smooth is not positive.

    Example:
        >>> logits, target = torch.zeros(2, 2, 8, 8), torch.full((2, 1, 8, 8), 0.5)
        >>> round(float(SegmentationLoss()(logits, target)), 4)  # Dice 0, cross-entropy log 2
        0.6931
    """

    def __init__(
        self, dice_weight: float = 1.0, cross_entropy_weight: float = 1.0, smooth: float = 1.0, squared: bool = True
    ) -> None:
        super().__init__()
        if min(dice_weight, cross_entropy_weight) < 0 or dice_weight + cross_entropy_weight == 0:
            got = f"{dice_weight} and {cross_entropy_weight}"
            raise ValueError(f"dice_weight and cross_entropy_weight: got {got}, wanted both >= 0 and one above")
        if smooth <= 0:
            raise ValueError(f"smooth: got {smooth}, wanted > 0")
        self.dice_weight, self.cross_entropy_weight = dice_weight, cross_entropy_weight
        self.smooth, self.squared = smooth, squared

    def forward(
        self, prediction: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Mean loss over the batch.

        Args:
            prediction: Logits `(b, 2, h, w)`, background first.
            target: Probability of foreground `(b, 1, h, w)`, in [0, 1].
            weight: Trust in each pixel `(b, 1, h, w)`, >= 0, or None.

        Returns:
            A scalar, float32 whatever the precision of the prediction.

        Raises:
            ValueError: A shape differs, or the target has an instance-id type.
        """
        check_maps(prediction, target, weight, channels=2)
        # Half precision would swallow the smoothing and the small pixels of a large sum.
        logits, classes = prediction.float(), two_classes(target)
        loss = logits.new_zeros(())
        if self.dice_weight:
            dice = soft_dice(torch.softmax(logits, dim=1), classes, weight, self.smooth, self.squared)
            loss = loss + self.dice_weight * dice.mean()
        if self.cross_entropy_weight:
            loss = loss + self.cross_entropy_weight * self._cross_entropy(logits, classes, weight)
        return loss

    def pseudo_target(self, prediction: torch.Tensor, hard: bool) -> torch.Tensor:
        """The target that a teacher's prediction makes.

        Args:
            prediction: Logits `(b, 2, h, w)`.
            hard: Whether the probability is rounded to 0 or 1.

        Returns:
            Probability of foreground `(b, 1, h, w)`, float32, without gradient.
        """
        probability = torch.softmax(prediction.detach().float(), dim=1)[:, 1:]
        return (probability > 0.5).float() if hard else probability

    def _cross_entropy(self, logits: torch.Tensor, classes: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        return soft_cross_entropy(logits, classes, weight)
