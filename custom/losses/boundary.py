"""The loss of thin bands. Axes: b images, h and w the two spatial axes."""

from __future__ import annotations

import torch

from .segmentation import SegmentationLoss, soft_cross_entropy


class BoundaryLoss(SegmentationLoss):
    """`SegmentationLoss` whose cross-entropy counts a pixel of the band `band_weight` times.

    A band covers some 5 to 15 % of the pixels, so that plain cross-entropy is mostly about its outside. The weight
    of a pixel, `1 + (band_weight - 1) t`, depends on the target alone: soft targets stay their own best prediction.

    The Semi-MoE release has Dice only, per image and class, smooth 1e-8, plain mean over the classes:
    `BoundaryLoss(cross_entropy_weight=0, smooth=1e-8, squared=False)`.

    Args:
        dice_weight: Factor of the Dice term, >= 0.
        cross_entropy_weight: Factor of the cross-entropy, >= 0.
        band_weight: Weight of the band's pixels in the cross-entropy, that of the others being 1; > 0.
        smooth: Smoothing of Dice, > 0.
        squared: Squares in Dice's denominator; needed by soft targets.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> logits, band = torch.zeros(1, 2, 8, 8), torch.zeros(1, 1, 8, 8)
        >>> round(float(BoundaryLoss(dice_weight=0)(logits, band)), 4)  # log 2
        0.6931
    """

    def __init__(
        self,
        dice_weight: float = 1.0,
        cross_entropy_weight: float = 1.0,
        band_weight: float = 3.0,
        smooth: float = 1.0,
        squared: bool = True,
    ) -> None:
        super().__init__(dice_weight, cross_entropy_weight, smooth, squared)
        if band_weight <= 0:
            raise ValueError(f"band_weight: got {band_weight}, wanted > 0")
        self.band_weight = band_weight

    def _cross_entropy(self, logits: torch.Tensor, classes: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        share = 1 + (self.band_weight - 1) * classes[:, 1:]
        share = share / share.mean()  # a weighted mean: the loss's scale does not follow the band's width
        return soft_cross_entropy(logits, classes, share if weight is None else share * weight)
