"""The scores of a section: a row for each image, then means with intervals.

Axes: h and w pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...metrics import bootstrap_interval, confusion, gland_errors, object_scores, pixel_scores, surface_distances
from ..score import Score

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
# Of a whole section, the pixels of all its images pooled: Dice and Jaccard of background and of gland, averaged.
POOLED = {"mdice": "mDice, pooled", "mjaccard": "mJaccard, pooled"}


class GlandScores:
    """Scores each image as it comes and sums the section up.

    Args:
        mpp: Size of a pixel in µm.

    Attributes:
        rows: A row an image, as in `metrics.csv`.

    Example:
        >>> scores = GlandScores(mpp=0.5)
        >>> scores.add("a", "7", np.array([[1, 0]]), np.array([[1, 1]]), np.array([[1, 0]]))
        >>> round(scores.summary()["scores"]["dice"]["mean"], 3)
        0.667
    """

    def __init__(self, mpp: float) -> None:
        self.mpp = mpp
        self.rows: list[dict[str, Any]] = []
        self._counts = np.zeros((2, 2), dtype=np.int64)

    def add(
        self, name: str, patient: str, mask: np.ndarray, label: np.ndarray, found: np.ndarray
    ) -> dict[str, list[int]]:
        """Score an image.

        Pixels are scored on the mask as the network gives it, as published tables do; objects on the glands that were
        made of it, whose holes are filled and whose specks are gone.

        Args:
            name: What the image is called.
            patient: Whose it is; empty where unknown.
            mask: Where the network sees gland (h, w), nonzero for gland.
            label: Ids of the labelled glands (h, w), 0 for none.
            found: Ids of the glands found (h, w), 0 for none.

        Returns:
            What is wrong with which glands, as `metrics.gland_errors` gives it.

        Raises:
            ValueError: If the sizes differ.
        """
        counts = confusion(mask, label)
        values = pixel_scores(counts) | surface_distances(mask, label, self.mpp)
        values |= object_scores(found, label, self.mpp)
        values["object_hausdorff_px"] = values.pop("object_hausdorff")
        row = {"id": name, "patient": patient} | {score: values[score] for score in _columns(values)}
        row |= {"glands": len(np.unique(label[label > 0])), "predicted": len(np.unique(found[found > 0]))}
        errors = gland_errors(found, label)
        row |= {kind: len(ids) for kind, ids in errors.items()}
        self._counts += counts
        self.rows.append(row)
        return errors

    def summary(self, seed: int = 0) -> dict[str, Any]:
        """Sum the section up.

        Args:
            seed: Seed of the bootstrap.

        Returns:
            `images`, `patients` (None where none is known), `without_glands` (images whose label has none: how many,
            and in how many of them none was found; they score 1 or 0), `scores` (name to `mean`, `low` and `high` of
            the 95 % interval, NaN where nothing varies) and `pooled` (`mdice`, `mjaccard`).

        Raises:
            ValueError: If no image was added.
        """
        if not self.rows:
            raise ValueError("no image was scored")
        patients = [row["patient"] or None for row in self.rows]
        known = {patient for patient in patients if patient is not None}
        scores = {}
        for name in _columns(self.rows[0]):
            values = [row[name] for row in self.rows]
            low, high = bootstrap_interval(values, patients if known else None, seed=seed)
            scores[name] = {"mean": float(np.mean(values)), "low": low, "high": high}
        pooled = pixel_scores(self._counts)
        empty = [row for row in self.rows if not row["glands"]]
        return {
            "images": len(self.rows),
            "patients": len(known) or None,
            "without_glands": {"images": len(empty), "none_found": sum(not row["predicted"] for row in empty)},
            "scores": scores,
            "pooled": {name: pooled[name] for name in POOLED},
        }


def _columns(row: dict[str, Any]) -> list[str]:
    """Names of the scores that a row holds, pixels first as in published tables."""
    pixels_first = sorted(SCORES, key=lambda score: score.name.startswith("object_"))
    return [score.name for score in pixels_first if score.name in row]
