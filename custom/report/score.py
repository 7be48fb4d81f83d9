"""A score of an evaluation: its column, its words, and what it means."""

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
