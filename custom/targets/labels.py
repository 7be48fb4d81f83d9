"""From masks as their owners store them to instance ids 1..N."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from ..geometry.plane import plane


def instance_ids(label: Any) -> np.ndarray:
    """Number the glands of a mask 1..N, whatever values its owner used.

    Two kinds of masks are told apart by the number of values other than 0. Several values: each is one gland, also
    where it is in several pieces (GlaS holds such glands). One value (0 and 1, 0 and 255): the mask says only where
    gland is, so each 4-connected piece is one gland; pieces that meet at a corner stay apart.

    Call this once on a whole image: a crop may hold two ends of one gland, which would become two.

    Args:
        label: (h, w) or (1, h, w), 0 = background; integers, booleans or whole floating-point numbers >= 0.

    Returns:
        int32 ids of the input's shape, 0 = background. Several values keep their order; pieces come in reading order.

    Raises:
        ValueError: If the shape is not that of a plane or a value is negative or not whole.
    """
    values = plane(label)
    if values.dtype.kind == "f" and not np.array_equal(values, np.round(values)):
        raise ValueError("a label holds whole numbers, got fractions or NaN")
    # Sorting every pixel is ten times slower than looking at the pixels where the value changes from its neighbour.
    found = _values(values)
    if found[0] < 0:
        raise ValueError(f"a label holds numbers >= 0, got {found[0]}")
    found = found[found > 0]
    if len(found) == 1:
        ids = ndimage.label(values > 0, output=np.int32)[0]
    else:
        ids = np.where(values > 0, np.searchsorted(found, values) + 1, 0)
    return ids.astype(np.int32).reshape(np.shape(label))


def _values(values: np.ndarray) -> np.ndarray:
    """Sorted distinct values of (h, w), found at the left end of each run along the second axis."""
    starts = np.ones(values.shape, dtype=bool)
    starts[:, 1:] = values[:, 1:] != values[:, :-1]
    return np.unique(values[starts])
