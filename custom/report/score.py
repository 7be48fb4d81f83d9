"""The scores of an evaluation: their columns, their words, and what they mean."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A score of one image or volume.

    Attributes:
        name: Column in `metrics.csv` and key in `metrics_summary.json`.
        title: What people read.
        unit: `µm`, `mm`, `px`, or empty for a share in [0, 1].
        higher_is_better: Whether a perfect result has the highest value.
        meaning: One sentence for a reader who has not met it.
    """

    name: str
    title: str
    unit: str
    higher_is_better: bool
    meaning: str

    def text(self, value: float | None) -> str:
        """A value as people read it; `n/a` where there is none."""
        if value is None or not math.isfinite(value):
            return "n/a"
        return f"{value:.1f} {self.unit}" if self.unit else f"{value:.3f}"


SCORES = (
    Score("object_f1", "Object F1", "", True,
          "Are the right glands found? A predicted gland counts if it covers at least half of a labelled one."),
    Score("object_dice", "Object Dice", "", True,
          "Gland by gland, how much of each gland and its counterpart overlaps, weighed by area."),
    Score("object_hausdorff_um", "Object Hausdorff", "µm", False,
          "Gland by gland, the largest distance between the two outlines, weighed by area."),
    Score("object_hausdorff_px", "Object Hausdorff", "px", False,
          "The same in pixels, as published tables give it."),
    Score("dice", "Dice", "", True, "Overlap of all gland pixels of an image, whatever gland they belong to."),
    Score("jaccard", "Jaccard", "", True, "The same overlap as a share of the union."),
    Score("hd95_um", "HD95", "µm", False, "95th percentile of the distances between the outlines of all gland pixels."),
    Score("asd_um", "ASD", "µm", False, "Mean distance between the outlines of all gland pixels."),
)  # fmt: skip
BY_NAME = {score.name: score for score in SCORES}
# Of a whole section, the pixels of all its images pooled: Dice and Jaccard of background and of gland, averaged.
POOLED = {"mdice": "mDice, pooled", "mjaccard": "mJaccard, pooled"}

# Of a volume: means over its organs.
ORGAN_SCORES = (
    Score("dice", "Dice", "", True, "Overlap of each organ with its reference, averaged over the organs."),
    Score("dice_8", "Dice, 8 organs", "", True, "The same over the eight organs that most tables of BTCV report."),
    Score("surface_dice", "Surface Dice", "", True,
          "Share of the outlines that lie within the tolerance of each other, averaged over the organs."),
    Score("hd95_mm", "HD95", "mm", False,
          "95th percentile of the distances between the outlines, averaged over the organs; missed: the diagonal."),
)  # fmt: skip
