"""Outlines of glands on the picture they were found in.

Axes: h and w pixels of a picture as files hold it; the last axis of a picture is red, green, blue.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# Blue and yellow are told apart by all common kinds of colour vision and are far from the pinks and purples of H&E.
PREDICTION_COLOUR = (0, 105, 230)
LABEL_COLOUR = (255, 214, 0)


def overlay(image: np.ndarray, prediction: np.ndarray, label: np.ndarray | None = None) -> np.ndarray:
    """Draw the outlines of predicted and, where known, labelled glands.

    A label is a broad yellow line, a prediction a thin blue one on top: where both agree, both are seen. Area that only
    the label holds is tinted yellow, area that only the prediction holds blue.

    Args:
        image: Picture (h, w, 3), uint8.
        prediction: Ids of the glands found (h, w), 0 for none.
        label: Ids of the labelled glands (h, w), 0 for none; None where nobody has labelled the picture.

    Returns:
        A new picture (h, w, 3), uint8.

    Raises:
        ValueError: If the sizes differ or the picture is not uint8 with three channels.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image must be uint8 (h, w, 3), got {image.dtype} {image.shape}")
    for name, ids in (("prediction", prediction), ("label", label)):
        if ids is not None and ids.shape != image.shape[:2]:
            raise ValueError(f"{name} must be {image.shape[:2]} as the image, got {ids.shape}")
    drawn = image.copy()
    line = max(1, round(min(image.shape[:2]) / 500))
    if label is not None:
        _tint(drawn, (label > 0) & (prediction == 0), LABEL_COLOUR)
        _tint(drawn, (prediction > 0) & (label == 0), PREDICTION_COLOUR)
        drawn[_outline(label, 5 * line)] = LABEL_COLOUR
    drawn[_outline(prediction, 3 * line)] = PREDICTION_COLOUR
    return drawn


def _tint(image: np.ndarray, where: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Mix a colour into some pixels, in place."""
    image[where] = np.round(0.6 * image[where] + 0.4 * np.asarray(colour)).astype(np.uint8)


def _outline(ids: np.ndarray, width_px: int) -> np.ndarray:
    """Pixels within about `width_px` / 2 of a border of a gland, those between two touching glands included."""
    # A window that sees two ids crosses a border.
    highest = ndimage.maximum_filter(ids, size=width_px, mode="nearest")
    return highest != ndimage.minimum_filter(ids, size=width_px, mode="nearest")
