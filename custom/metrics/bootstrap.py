"""How sure a mean over images is, when several images come from one patient.

Axes: n, k = images, scores of an image; d, p = draws, patients.
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
    Where an image has several scores, as a volume has one of each organ, the mean is that of the scores' own means.

    Args:
        values: Score of each image (n,), finite; or several (n, k), NaN where an image has no such score.
        groups: Patient of each image; an image whose patient is None is a patient of its own.
        confidence: Share of draws within the interval, in (0, 1).
        seed: Seed of the draws.
        draws: Number of draws, >= 1.

    Returns:
        Lower and upper end. NaN, NaN with a single patient (or image): nothing varies, so nothing can be said.

    Raises:
        ValueError: If there are no values, one is not finite (of several: none is), the groups are fewer or more, or an
        option is out of range.
    """
    scores = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(scores)
    if scores.ndim not in (1, 2) or not scores.size or not (finite.all() if scores.ndim == 1 else finite.any()):
        raise ValueError("values must be a non-empty list of finite numbers")
    if groups is not None and len(groups) != len(scores):
        raise ValueError(f"{len(scores)} values but {len(groups)} groups")
    if not 0 < confidence < 1 or draws < 1:
        raise ValueError(f"confidence must be in (0, 1) and draws >= 1, got {confidence} and {draws}")
    patient = _numbered([None] * len(scores) if groups is None else groups)
    patients = max(patient) + 1
    if patients == 1:
        return float("nan"), float("nan")
    columns, finite = (part.reshape(len(scores), -1) for part in (scores, finite))
    totals, counts = np.zeros((2, patients, columns.shape[1]))
    np.add.at(totals, patient, np.where(finite, columns, 0.0))
    np.add.at(counts, patient, finite)
    drawn = np.random.default_rng(seed).integers(patients, size=(draws, patients))
    # One column at a time: all of them together would take draws * patients * scores numbers.
    total, count = (np.stack([column[drawn].sum(axis=1) for column in part.T], axis=1) for part in (totals, counts))
    # A score that none of the drawn patients has says nothing in this draw; nor does a draw without any score.
    means = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)[(count > 0).any(axis=1)]
    ends = np.quantile(np.nanmean(means, axis=1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(ends[0]), float(ends[1])


def _numbered(groups: Sequence[Hashable | None]) -> list[int]:
    """Number the patients from 0 in the order in which they come; one that is not known is one by itself."""
    number: dict[Hashable, int] = {}
    return [
        number.setdefault((index, None) if group is None else group, len(number)) for index, group in enumerate(groups)
    ]
