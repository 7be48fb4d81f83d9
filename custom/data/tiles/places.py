"""The places of one object: pieces that lie too near to each other to be told apart count as one."""

import numpy as np
from scipy import ndimage
from skimage.measure import label

_GAP = 3  # px; pieces with fewer pixels than this between them belong together


def places(where: np.ndarray) -> np.ndarray:
    """Number the places of an object.

    Args:
        where: (h, w) booleans.

    Returns:
        (h, w) numbers from 1 in reading order, 0 outside the object.
    """
    reach = _GAP // 2
    grown = ndimage.binary_dilation(np.pad(where, reach), np.ones((2 * reach + 1,) * 2, bool))
    numbers = label(grown, connectivity=2)[reach : reach + where.shape[0], reach : reach + where.shape[1]]
    return np.where(where, numbers, 0)
