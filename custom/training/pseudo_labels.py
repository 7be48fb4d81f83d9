"""Targets for unlabelled images, made from fused outputs.

Axes: b images, c channels, h and w pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..losses import agreement_weight
from ..transforms import cutmix_boxes, mix


class OutputLoss(Protocol):
    """What the loss of an output can do."""

    def __call__(self, prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss, a scalar."""
        ...

    def pseudo_target(self, prediction: Tensor, hard: bool) -> Tensor:
        """The target that a teacher's prediction makes."""
        ...


@dataclass(frozen=True)
class PseudoBatch:
    """Images to learn from and what to learn from them.

    Attributes:
        images: (b, 3, h, w) in [0, 1].
        targets: Output's name to target (b, 1, h, w).
        weight: (b, 1, h, w) in [0, 1].
    """

    images: Tensor
    targets: dict[str, Tensor]
    weight: Tensor

    def log(self, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Share of gland in the targets, its agreement with the fused mask, mean weight: a collapse shows here."""
        gland = self.targets["mask"] > 0.5
        agreement = (outputs["mask"].detach().argmax(1, keepdim=True) == gland).float().mean()
        return {
            "pseudo/gland_share": gland.float().mean(),
            "pseudo/agreement": agreement,
            "pseudo/weight": self.weight.mean(),
        }


class PseudoLabels:
    """Turn fused outputs into targets, weights and, with CutMix, mixed images.

    Args:
        losses: The loss of each output; its `pseudo_target` turns an output into a target.
        weighing: How pixels are weighed: `none`, `confidence` or `agreement` (see `losses.agreement_weight`).
        cutmix: Share of images that get a box of another image of the batch (Yun et al. 2019), in [0, 1].
        hard: Whether a probability is rounded to 0 or 1 before it is a target.
    """

    def __init__(
        self, losses: Mapping[str, OutputLoss], weighing: str = "agreement", cutmix: float = 0.7, hard: bool = False
    ) -> None:
        self.losses = dict(losses)
        self.weighing = weighing
        self.cutmix = cutmix
        self.hard = hard

    @torch.no_grad()
    def __call__(self, outputs: Mapping[str, Tensor], images: Tensor) -> PseudoBatch:
        """Make the pseudo-labels of `images` from fused `outputs` on the same geometry.

        Args:
            outputs: Output's name to the fused output (b, c, h, w).
            images: (b, 3, h, w) in [0, 1], the views to learn from.

        Returns:
            Images, targets and weights, mixed alike.
        """
        targets = {name: loss.pseudo_target(outputs[name], self.hard) for name, loss in self.losses.items()}
        weight = agreement_weight(outputs["mask"], outputs["distance"], outputs["boundary"], self.weighing)
        if self.cutmix <= 0.0 or len(images) < 2:
            return PseudoBatch(images, targets, weight)
        partner = torch.arange(len(images), device=images.device).roll(1)
        boxes = cutmix_boxes(len(images), images.shape[2], images.shape[3], prob=self.cutmix).to(images.device)
        mixed = {name: mix(target, partner, boxes) for name, target in targets.items()}
        return PseudoBatch(mix(images, partner, boxes), mixed, mix(weight, partner, boxes))
