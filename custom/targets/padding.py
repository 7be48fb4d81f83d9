"""What was put around a volume to fill it up. Axes: any number, in any order."""

from __future__ import annotations

import numpy as np

# Smaller planes may well have one value by chance.
_FEWEST = 64


def without_padding(values: np.ndarray) -> np.ndarray:
    """Leave out planes at the ends of each axis that hold one value throughout.

    A program that brings volumes to one size, or turns them, puts such planes around them; the scale of what was
    measured must not depend on how many.

    Args:
        values: A volume with any axes, those of length 1 included.

    Returns:
        A view without these planes; the volume itself where it has one value throughout.
    """
    if values.size < _FEWEST:
        return values
    kept = values
    for axis in range(values.ndim):
        while kept.shape[axis] > 1 and _is_filling(np.take(kept, 0, axis)):
            kept = kept[(slice(None),) * axis + (slice(1, None),)]
        while kept.shape[axis] > 1 and _is_filling(np.take(kept, -1, axis)):
            kept = kept[(slice(None),) * axis + (slice(None, -1),)]
    return kept if (kept != kept.flat[0]).any() else values


def _is_filling(plane: np.ndarray) -> bool:
    return plane.size >= _FEWEST and not (plane != plane.flat[0]).any()
