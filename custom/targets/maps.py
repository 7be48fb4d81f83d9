"""The fused outputs of a gland network in one tensor, `maps`: which channel is what.

Axes: c channels, h and w the two spatial axes in any order; arrays and tensors alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

# Logits of background and gland, the signed distance in [-1, 1], logits of no border and border.
BACKGROUND, GLAND, DISTANCE, NO_BORDER, BORDER = range(5)
CHANNELS = 5


def gland_mask(maps: Any) -> Any:
    """Where gland is: the probability is above 0.5, a fixed threshold.

    Args:
        maps: (c, h, w), the first two channels at least.

    Returns:
        bool (h, w) of the same kind.
    """
    return maps[GLAND] > maps[BACKGROUND]


def gland_probability(maps: np.ndarray) -> np.ndarray:
    """Probability of gland, the softmax of its two logits.

    Args:
        maps: (c, h, w), the first two channels at least.

    Returns:
        float32 (h, w) in [0, 1].
    """
    return expit(maps[GLAND].astype(np.float32) - maps[BACKGROUND].astype(np.float32))


def no_border_probability(maps: np.ndarray) -> np.ndarray:
    """Probability that a pixel is on no border of a gland.

    Args:
        maps: (5, h, w).

    Returns:
        float32 (h, w) in [0, 1].
    """
    return expit((maps[NO_BORDER] - maps[BORDER]).astype(np.float32))
