"""Distances between the outlines of two masks, by MONAI's functions, with rules for empty masks.

Axes: b, c, h, w = one image, one class, then the two spatial axes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance


def surface_distances(prediction: Any, label: Any, mpp: float) -> dict[str, float]:
    """95th percentile of the Hausdorff distance, and average symmetric surface distance, of all gland of one image.

    HD95 is the larger of the two 95th percentiles (prediction to label, label to prediction); ASD is the mean over the
    distances of both directions. The outline is the mask's outermost pixels, and the image's edge closes it. Both masks
    empty: 0. One empty: the diagonal of the image, mpp * sqrt(h^2 + w^2): never skipped.

    Args:
        prediction: (h, w) or (1, h, w), gland where > 0.
        label: The same of the truth.
        mpp: Size of a pixel in µm, > 0.

    Returns:
        `hd95_um` and `asd_um`, >= 0.

    Raises:
        ValueError: If the shapes differ or are not those of planes, or mpp is not > 0.
    """
    predicted, true = np.asarray(prediction) > 0, np.asarray(label) > 0
    if predicted.shape != true.shape or predicted.ndim not in (2, 3) or predicted.shape[:-2] not in ((), (1,)):
        raise ValueError(f"masks are (h, w) or (1, h, w) of one shape, got {predicted.shape} and {true.shape}")
    if not mpp > 0:
        raise ValueError(f"mpp must be > 0, got {mpp}")
    if not (predicted.any() and true.any()):
        distance = math.hypot(*true.shape[-2:]) * mpp if predicted.any() or true.any() else 0.0
        return {"hd95_um": distance, "asd_um": distance}
    shape = (1, 1, *true.shape[-2:])
    one, other = predicted.reshape(shape), true.reshape(shape)
    hd95 = compute_hausdorff_distance(one, other, include_background=True, percentile=95, spacing=mpp)
    asd = compute_average_surface_distance(one, other, include_background=True, symmetric=True, spacing=mpp)
    return {"hd95_um": hd95.item(), "asd_um": asd.item()}
