"""Outlines of glands on the picture they were found in.

Axes: h and w pixels of a picture as files hold it; the last axis of a picture is red, green, blue.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage.segmentation import find_boundaries

from .colours import INK, OUTLINE, PREDICTION, REFERENCE, WHITE, Colour
from .sheet import CELL_PX, SheetCell
from .words import font

Mark = tuple[str, tuple[float, float]]

# Of a picture shown at once, lines as broad as it asks for; of a larger one a part is looked at, where a broad line
# would hide what it borders.
_BROADEST = 3


def tile_overlay(
    image: np.ndarray, prediction: np.ndarray, label: np.ndarray | None = None, marks: Sequence[Mark] = ()
) -> np.ndarray:
    """Draw the outlines of predicted and, where known, labelled glands.

    A label is a broad yellow line, a prediction a thin blue one on top: where both agree, both are seen. Area that only
    the label holds is tinted yellow, area that only the prediction holds blue.

    Args:
        image: Picture (h, w, 3), uint8.
        prediction: Ids of the glands found (h, w), 0 for none.
        label: Ids of the labelled glands (h, w), 0 for none; None where nobody has labelled the picture.
        marks: Words, each with the place (y, x) that it is written at.

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
    return _with_words(drawn, marks) if marks else drawn


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


def _with_words(drawn: np.ndarray, marks: Sequence[Mark]) -> np.ndarray:
    """Words on white, so that they can be read on any tissue, and within the picture."""
    canvas = Image.fromarray(drawn)
    pen, letters = ImageDraw.Draw(canvas), font(max(11, round(min(drawn.shape[:2]) / 40)))
    for text, (y, x) in marks:
        left, top, right, bottom = pen.textbbox((0, 0), text, font=letters)
        corner = (
            min(max(0, x - (right - left) / 2), max(0, canvas.width - right - 4)),
            min(max(0, y - (bottom - top) / 2), max(0, canvas.height - bottom - 4)),
        )
        pen.rectangle((corner[0], corner[1], corner[0] + right + 4, corner[1] + bottom + 4), fill=WHITE)
        pen.text((corner[0] + 2, corner[1] + 1), text, fill=INK, font=letters)
    return np.asarray(canvas)


def _tint(image: np.ndarray, where: np.ndarray, colour: Colour) -> None:
    """Mix a colour into some pixels, in place."""
    image[where] = np.round(0.6 * image[where] + 0.4 * np.asarray(colour)).astype(np.uint8)


def _outline(ids: np.ndarray, width_px: int) -> np.ndarray:
    """Pixels within about `width_px` / 2 of a border of a gland, those between two touching glands included."""
    # A window that sees two ids crosses a border.
    highest = ndimage.maximum_filter(ids, size=width_px, mode="nearest")
    return highest != ndimage.minimum_filter(ids, size=width_px, mode="nearest")
