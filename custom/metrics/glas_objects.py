"""The three object metrics of the GlaS challenge.

Source: Sirinukunwattana et al., "Gland segmentation in colon histology images: The GlaS challenge contest", Medical
Image Analysis 35 (2017) 489-502, its section on evaluation. Written from the definitions, not from the organisers'
code.

G_i are the true objects, S_j the segmented ones, as sets of pixels. S*(G) is the segmented object that shares most
pixels with G, G*(S) the true object that shares most with S. Ties, which the paper leaves open, go to the object that
is met first in reading order, so that the numbering has no influence.

Axes: h, w = the two spatial axes; m, n = segmented and true objects.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .objects import Objects

SCORES = ("object_f1", "object_dice", "object_hausdorff")


def object_scores(prediction_ids: Any, label_ids: Any, mpp: float | None = None) -> dict[str, float]:
    """Object F1, object Dice and object Hausdorff distance of one image.

    - F1 = 2 TP / (2 TP + FP + FN). S is a true positive if it covers at least half of the pixels of G*(S), one for
    each G;
      all other S are false positives; each G without a true positive is a false negative.
    - Object Dice = 1/2 [sum_i gamma_i Dice(G_i, S*(G_i)) + sum_j sigma_j Dice(G*(S_j), S_j)], where gamma_i is G_i's
    share
      of the pixels of all G and sigma_j is S_j's share of those of all S. An object without overlap counts 0.
    - Object Hausdorff = the same sum with H(G, S) = max(sup_{x in G} inf_{y in S} |x - y|, sup_{y in S} inf_{x in G}
      |x - y|) over all pixels of both. An object without overlap is paired with the object that is nearest in H.

    Both images empty: 1, 1 and 0. One empty: 0, 0 and the diagonal of the image, sqrt(h^2 + w^2) pixels.

    Args:
        prediction_ids: (h, w) or (1, h, w) instance ids, 0 = background.
        label_ids: The same of the truth. All pixels of one id are one object, in however many pieces.
        mpp: Size of a pixel in µm; adds the distance in µm.

    Returns:
        `object_f1` and `object_dice` in [0, 1], `object_hausdorff` in pixels; with mpp also `object_hausdorff_um`.

    Raises:
        ValueError: If the shapes differ or are not those of planes, or an id is negative or not whole.
    """
    segmented, true = Objects(prediction_ids), Objects(label_ids)
    if segmented.index.shape != true.index.shape:
        raise ValueError(f"the prediction is {segmented.index.shape}, the label {true.index.shape}")
    if len(segmented) and len(true):
        overlap = _overlap(segmented, true)
        values = (_f1(overlap, true), _dice(overlap, segmented, true), _hausdorff(overlap, segmented, true))
    elif len(segmented) or len(true):
        values = (0.0, 0.0, math.hypot(*true.index.shape))
    else:
        values = (1.0, 1.0, 0.0)
    scores = dict(zip(SCORES, values, strict=True))
    return scores if mpp is None else scores | {"object_hausdorff_um": scores["object_hausdorff"] * mpp}


def _overlap(segmented: Objects, true: Objects) -> np.ndarray:
    """(m, n) pixels shared by each segmented and each true object."""
    both = (segmented.index >= 0) & (true.index >= 0)
    pairs = segmented.index[both] * len(true) + true.index[both]
    return np.bincount(pairs, minlength=len(segmented) * len(true)).reshape(len(segmented), len(true))


def _f1(overlap: np.ndarray, true: Objects) -> float:
    """Object F1; with m segmented and n true objects, 2 TP + FP + FN = m + n."""
    partner = overlap.argmax(axis=1)
    hit = 2 * overlap.max(axis=1) >= true.area[partner]
    return 2 * len(np.unique(partner[hit])) / sum(overlap.shape)


def _dice(overlap: np.ndarray, segmented: Objects, true: Objects) -> float:
    """Object Dice. The partner is the object of the largest overlap, not that of the largest Dice."""
    pair = 2 * overlap / (segmented.area[:, None] + true.area[None, :])
    of_true = pair[overlap.argmax(axis=0), np.arange(len(true))]
    of_segmented = pair[np.arange(len(segmented)), overlap.argmax(axis=1)]
    return _both_ways(of_true, true.area, of_segmented, segmented.area)


def _hausdorff(overlap: np.ndarray, segmented: Objects, true: Objects) -> float:
    """Object Hausdorff distance in pixels."""
    known: dict[tuple[int, int], float] = {}

    def distance(s: int, t: int) -> float:
        # Most pairs are each other's partners: each is measured once.
        if (s, t) not in known:
            known[s, t] = segmented.hausdorff(s, true, t)
        return known[s, t]

    of_true = [
        distance(int(shared.argmax()), t) if shared.any() else true.nearest(t, segmented)
        for t, shared in enumerate(overlap.T)
    ]
    of_segmented = [
        distance(s, int(shared.argmax())) if shared.any() else segmented.nearest(s, true)
        for s, shared in enumerate(overlap)
    ]
    return _both_ways(np.array(of_true), true.area, np.array(of_segmented), segmented.area)


def _both_ways(
    of_true: np.ndarray, true_area: np.ndarray, of_segmented: np.ndarray, segmented_area: np.ndarray
) -> float:
    """Mean of the two sums over objects, each weighed by the objects' share of the area."""
    return float(np.average(of_true, weights=true_area) + np.average(of_segmented, weights=segmented_area)) / 2
