"""What an engine's state holds of each image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ignite.engine import Engine
from monai.data import decollate_batch


def items(engine: Engine) -> list[dict[str, Any]]:
    """Batch and output of an engine, an item an image, whether MONAI has taken them apart or not.

    What both hold is the output's.

    Args:
        engine: An engine whose `state.batch` and `state.output` are dictionaries of batches, or lists of dictionaries.

    Returns:
        A dictionary for each image.
    """
    pairs = zip(_apart(engine.state.batch), _apart(engine.state.output), strict=True)
    return [{**before, **after} for before, after in pairs]


def _apart(part: Any) -> list[dict[str, Any]]:
    return decollate_batch(part) if isinstance(part, Mapping) else part


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


def gland_probability(maps: np.ndarray) -> np.ndarray:
    """Probability of gland from the mask's two logits.

    Args:
        maps: (c, h, w), the first two channels being the logits of background and gland.

    Returns:
        float32 (h, w) in [0, 1].
    """
    # softmax of two logits; the cut keeps exp from running over, at a probability of 1e-26
    return 1 / (1 + np.exp(np.clip(maps[0].astype(np.float32) - maps[1], -60, 60)))
