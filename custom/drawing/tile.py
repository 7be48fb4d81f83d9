"""Outlines of glands on the picture they were found in.

Axes: h and w pixels of a picture as files hold it; the last axis of a picture is red, green, blue.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.segmentation import find_boundaries

from .colours import OUTLINE, PREDICTION, REFERENCE, Colour
from .sheet import CELL_PX, SheetCell

# Of a picture shown at once, lines as broad as it asks for; of a larger one a part is looked at, where a broad line
# would hide what it borders.
_BROADEST = 3


def tile_overlay(image: np.ndarray, prediction: np.ndarray, label: np.ndarray | None = None) -> np.ndarray:
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
    line = min(_BROADEST, max(1, round(min(image.shape[:2]) / 500)))
    if label is not None:
        _tint(drawn, (label > 0) & (prediction == 0), REFERENCE)
        _tint(drawn, (prediction > 0) & (label == 0), PREDICTION)
        drawn[_outline(label, 5 * line)] = REFERENCE
    drawn[_outline(prediction, 3 * line)] = PREDICTION
    return drawn


def tile_cell(rgb: np.ndarray, instances: np.ndarray | None, caption: str) -> SheetCell:
    """Shrink an image for a contact sheet and draw the outline of each instance on it.

    Args:
        rgb: (h, w, 3) uint8.
        instances: (h, w) ids, 0 for background; None draws no outline.
        caption: The text under it.

    Returns:
        The cell.
    """
    height, width = rgb.shape[:2]
    scale = CELL_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = np.array(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))
    if instances is not None:
        small = np.asarray(Image.fromarray(instances.astype(np.int32)).resize(size, Image.Resampling.NEAREST))
        picture[find_boundaries(small, mode="inner")] = OUTLINE
    return SheetCell(Image.fromarray(picture), caption)


def _tint(image: np.ndarray, where: np.ndarray, colour: Colour) -> None:
    """Mix a colour into some pixels, in place."""
    image[where] = np.round(0.6 * image[where] + 0.4 * np.asarray(colour)).astype(np.uint8)


def _outline(ids: np.ndarray, width_px: int) -> np.ndarray:
    """Pixels within about `width_px` / 2 of a border of a gland, those between two touching glands included."""
    # A window that sees two ids crosses a border.
    highest = ndimage.maximum_filter(ids, size=width_px, mode="nearest")
    return highest != ndimage.minimum_filter(ids, size=width_px, mode="nearest")
