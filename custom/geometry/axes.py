"""The order of a picture's axes: files hold (h, w); MONAI's PIL reader gives (c, w, h), and so tensors are."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_files_hold_it(array: Any) -> np.ndarray:
    """Turn (c, w, h), as the PIL reader gives it, into (c, h, w).

    Args:
        array: A tensor or an array.

    Returns:
        A view where possible.
    """
    array = array.detach().cpu().numpy() if hasattr(array, "detach") else np.asarray(array)
    return np.swapaxes(array, -1, -2)


def picture(image: Any) -> np.ndarray:
    """Turn an image (3, w, h) in [0, 1] into a picture.

    Args:
        image: A tensor or an array.

    Returns:
        uint8 (h, w, 3).
    """
    return np.round(255 * np.clip(as_files_hold_it(image), 0, 1)).astype(np.uint8).transpose(1, 2, 0)
