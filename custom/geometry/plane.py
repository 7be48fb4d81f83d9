"""The one shape rule of this room: an image plane is (h, w), or (1, h, w) with MONAI's channel axis in front.

Axes: h, w are the two spatial axes in whichever order the reader gave them; nothing here depends on the order.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def plane(image: Any) -> np.ndarray:
    """View an image plane as a two-dimensional array.

    Args:
        image: (h, w) or (1, h, w): array, tensor on the CPU or MetaTensor.

    Returns:
        (h, w), the same values (a view where the input allows one: not to be written to).

    Raises:
        ValueError: If the shape is another one or a side is empty.
    """
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"an image plane is (h, w) or (1, h, w), got the shape {np.shape(image)}")
    return array
