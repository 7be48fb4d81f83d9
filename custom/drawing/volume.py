"""Organs on slices of the volume they were found in, seen as radiologists do.

Axes: x to the patient's right, y to the front, z to the head (RAS); h and w pixels of a picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from .colours import INK, WHITE, organ_colour
from .sheet import CELL_PX, SheetCell
from .words import font, legend

_SLICES = 3
# Where along z the slices lie: shares of all voxels of organs below them.
_SHARES = (0.2, 0.5, 0.8)
_PANEL_PX = 360
_GAP_PX = 8
_LINE_PX = 22
_CAPTION_PX = 14
# What is shown around the organs, as a share of their box.
_AROUND = 0.15


def radiological(plane: np.ndarray) -> np.ndarray:
    """Turn an axial slice as radiologists see it: the patient's right at the left, the front on top.

    Args:
        plane: (x, y) of a volume in RAS, x to the right and y to the front.

    Returns:
        (h, w).
    """
    return plane[::-1, ::-1].T


def volume_overlay(
    image: np.ndarray, prediction: np.ndarray, label: np.ndarray | None, spacing: Sequence[float], organs: Sequence[str]
) -> np.ndarray:
    """Draw three axial slices, from the feet up, with the organs found and, where known, their reference.

    Above the reference, tinted and outlined (without one, the slices as they are); below the prediction likewise, with
    the outline of the reference in thin white; at the bottom the colours of the organs that are seen.

    Args:
        image: (x, y, z) in [0, 1], RAS.
        prediction: Channel numbers (x, y, z), 0 for background.
        label: The same of the reference; None where there is none.
        spacing: Size of a voxel along x, y, z in mm.
        organs: Names in the order of the channels, without background.

    Returns:
        Picture (h, w, 3), uint8.

    Raises:
        ValueError: If the sizes differ.
    """
    for name, channels in (("prediction", prediction), ("label", label)):
        if channels is not None and channels.shape != image.shape:
            raise ValueError(f"{name} must be {image.shape} as the image, got {channels.shape}")
    shown = prediction > 0 if label is None else (prediction > 0) | (label > 0)
    places = _places(shown)
    box = _box(np.asarray(shown[..., places].any(axis=2)), spacing)
    size = _panel_size(box, spacing)
    above, below, seen = [], [], set()
    for place in places:
        grey, found = (_panel(volume[(*box, place)], size) for volume in (image, prediction))
        true = None if label is None else _panel(label[(*box, place)], size)
        above.append(_with_organs(grey, true, None))
        below.append(_with_organs(grey, found, true))
        seen |= set(np.unique(found)) | (set() if true is None else set(np.unique(true)))
    names = [("image" if label is None else "reference"), "prediction"]
    words = [[f"{name}, slice {place + 1} of {image.shape[2]}" for place in places] for name in names]
    rows = [_row(panels, captions) for panels, captions in zip((above, below), words, strict=True)]
    gap = np.full((_GAP_PX, rows[0].shape[1], 3), 255, np.uint8)
    entries = [(organ_colour(channel), organs[channel - 1]) for channel in sorted(seen - {0})]
    entries += [] if label is None else [(WHITE, "outline of the reference")]
    return np.concatenate([rows[0], gap, rows[1], gap, np.asarray(legend(entries, rows[0].shape[1]))])


def slice_cell(plane: np.ndarray, channels: np.ndarray | None, spacing: Sequence[float], caption: str) -> SheetCell:
    """Draw an axial slice for a contact sheet, with the outline of each organ on it.

    Args:
        plane: (x, y) in [0, 1], RAS.
        channels: Channel numbers (x, y), 0 for background; None draws no outline.
        spacing: Size of a voxel along x and y in mm.
        caption: The text under it.

    Returns:
        The cell, in the proportions of the patient.
    """
    whole = (slice(0, plane.shape[0]), slice(0, plane.shape[1]))
    size = _panel_size(whole, spacing, CELL_PX)
    drawn = np.repeat(_panel(plane, size)[..., None], 3, axis=2)
    if channels is not None:
        _outline(drawn, _panel(channels, size), 3)
    return SheetCell(Image.fromarray(drawn), caption)


def _places(shown: np.ndarray) -> list[int]:
    """Indices along z of the slices to show, ascending."""
    depth = shown.shape[2]
    if not shown.any():
        return sorted({round(share * (depth - 1)) for share in _SHARES})
    below = np.cumsum(shown.sum(axis=(0, 1)))
    return sorted({int(np.searchsorted(below, share * below[-1])) for share in _SHARES})


def _box(shown: np.ndarray, spacing: Sequence[float]) -> tuple[slice, slice]:
    """What of the slices is shown: the organs and something around them, of no extreme shape; all without organs."""
    if not shown.any():
        return slice(0, shown.shape[0]), slice(0, shown.shape[1])
    ends = []
    for axis, side in enumerate(shown.shape):
        filled = np.flatnonzero(shown.any(axis=1 - axis))
        ends.append((filled[0], filled[-1] + 1, side, spacing[axis]))
    longest_mm = max((stop - start) * step for start, stop, _, step in ends) * (1 + 2 * _AROUND)
    box = []
    for start, stop, side, step in ends:
        # At least three quarters as long as the longer side.
        half = max((stop - start) * (1 + 2 * _AROUND), 0.75 * longest_mm / step) / 2
        middle = (start + stop) / 2
        box.append(slice(max(0, int(middle - half)), min(side, int(np.ceil(middle + half)))))
    return box[0], box[1]


def _panel_size(box: tuple[slice, slice], spacing: Sequence[float], most_px: int = _PANEL_PX) -> tuple[int, int]:
    """Height and width in pixels, in the proportions of the patient."""
    width_mm, height_mm = ((part.stop - part.start) * step for part, step in zip(box, spacing, strict=False))
    scale = most_px / max(width_mm, height_mm)
    return max(1, round(height_mm * scale)), max(1, round(width_mm * scale))


def _panel(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A slice seen as radiologists do, (h, w) uint8: an image smooth, channels as they are."""
    seen = radiological(plane)
    is_image = seen.dtype.kind == "f"
    values = np.round(255 * np.clip(seen, 0, 1)).astype(np.uint8) if is_image else seen.astype(np.uint8)
    way = Image.Resampling.BICUBIC if is_image else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(np.ascontiguousarray(values)).resize((size[1], size[0]), way))


def _with_organs(grey: np.ndarray, channels: np.ndarray | None, thin: np.ndarray | None) -> np.ndarray:
    """A picture (h, w, 3) of a slice with organs tinted and outlined, and others' outlines thin and white."""
    drawn = np.repeat(grey[..., None], 3, axis=2)
    if channels is not None:
        inside = channels > 0
        drawn[inside] = np.round(0.7 * drawn[inside] + 0.3 * _colours(channels[inside]))
        _outline(drawn, channels, 5)
    if thin is not None:
        drawn[_inner_outline(thin, 3)] = WHITE
    return drawn


def _outline(drawn: np.ndarray, channels: np.ndarray, width_px: int) -> None:
    """Draw the outline of each organ in its colour, in place."""
    line = _inner_outline(channels, width_px)
    drawn[line] = _colours(channels[line])


def _colours(channels: np.ndarray) -> np.ndarray:
    """The colour (n, 3) of each of n channel numbers."""
    table = [(0, 0, 0), *(organ_colour(channel) for channel in range(1, int(channels.max(initial=0)) + 1))]
    return np.array(table)[channels]


def _inner_outline(channels: np.ndarray, width_px: int) -> np.ndarray:
    """Pixels of organs within `width_px` // 2 of another channel."""
    highest = ndimage.maximum_filter(channels, size=width_px, mode="nearest")
    return (channels > 0) & (highest != ndimage.minimum_filter(channels, size=width_px, mode="nearest"))


def _row(panels: Sequence[np.ndarray], captions: Sequence[str]) -> np.ndarray:
    """Panels side by side with a line of words above each; always as wide as three."""
    height, width = panels[0].shape[:2]
    canvas = Image.new("RGB", (_SLICES * width + (_SLICES - 1) * _GAP_PX, height + _LINE_PX), WHITE)
    pen = ImageDraw.Draw(canvas)
    for number, (panel, caption) in enumerate(zip(panels, captions, strict=True)):
        left = number * (width + _GAP_PX)
        canvas.paste(Image.fromarray(panel), (left, _LINE_PX))
        pen.text((left + 2, 3), caption, fill=INK, font=font(_CAPTION_PX))
    return np.asarray(canvas)
