"""How sure a mean over images is, when several images come from one patient.

Axes: d, p = draws, patients.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np


def bootstrap_interval(
    values: Sequence[float] | np.ndarray,
    groups: Sequence[Hashable | None] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    draws: int = 2000,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean (Efron and Tibshirani 1993, chapter 13).

    With groups it is a cluster bootstrap: whole patients are drawn with replacement, as many as there are, and the
    mean is taken over all their images, since images of one patient are alike. Without, images are drawn.

    Args:
        values: Score of each image, finite.
        groups: Patient of each image; an image whose patient is None is a patient of its own.
        confidence: Share of draws within the interval, in (0, 1).
        seed: Seed of the draws.
        draws: Number of draws, >= 1.

    Returns:
        Lower and upper end. NaN, NaN with a single patient (or image): nothing varies, so nothing can be said.

    Raises:
        ValueError: If there are no values, one is not finite, the groups are fewer or more, or an option is out of
        range.
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or not len(scores) or not np.isfinite(scores).all():
        raise ValueError("values must be a non-empty list of finite numbers")
    if groups is not None and len(groups) != len(scores):
        raise ValueError(f"{len(scores)} values but {len(groups)} groups")
    if not 0 < confidence < 1 or draws < 1:
        raise ValueError(f"confidence must be in (0, 1) and draws >= 1, got {confidence} and {draws}")
    number: dict[Hashable, int] = {}
    patient = [
        number.setdefault((index, None) if group is None else group, len(number))
        for index, group in enumerate([None] * len(scores) if groups is None else groups)
    ]
    if len(number) == 1:
        return float("nan"), float("nan")
    images = np.bincount(patient)
    totals = np.bincount(patient, weights=scores)
    drawn = np.random.default_rng(seed).integers(len(number), size=(draws, len(number)))
    means = totals[drawn].sum(axis=1) / images[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
