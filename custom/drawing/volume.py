"""Organs on slices of the volume they were found in, seen as radiologists do.

Axes: x to the patient's right, y to the front, z to the head (RAS); h and w pixels of a picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

# Far apart in hue and lightness, and from grey; a sixteenth organ has the first colour again.
COLOURS = (
    (230, 60, 60), (60, 200, 80), (80, 150, 255), (255, 215, 0), (240, 130, 255), (255, 150, 40), (0, 220, 220),
    (190, 255, 60), (255, 170, 180), (150, 110, 255), (200, 150, 90), (0, 160, 130), (255, 255, 180), (130, 200, 255),
    (220, 20, 140),
)  # fmt: skip
_WHITE = (255, 255, 255)
_SLICES = 3
# Where along z the slices lie: shares of all voxels of organs below them.
_SHARES = (0.2, 0.5, 0.8)
_PANEL_PX = 360
_GAP_PX = 8
_LINE_PX = 22
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


def organ_overlay(
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
    legend = _legend(sorted(seen - {0}), organs, rows[0].shape[1], white=label is not None)
    return np.concatenate([rows[0], gap, rows[1], gap, legend])


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
        there = np.flatnonzero(shown.any(axis=1 - axis))
        ends.append((there[0], there[-1] + 1, side, spacing[axis]))
    longest_mm = max((stop - start) * step for start, stop, _, step in ends) * (1 + 2 * _AROUND)
    box = []
    for start, stop, side, step in ends:
        # At least three quarters as long as the longer side.
        half = max((stop - start) * (1 + 2 * _AROUND), 0.75 * longest_mm / step) / 2
        middle = (start + stop) / 2
        box.append(slice(max(0, int(middle - half)), min(side, int(np.ceil(middle + half)))))
    return box[0], box[1]


def _panel_size(box: tuple[slice, slice], spacing: Sequence[float]) -> tuple[int, int]:
    """Height and width in pixels, in the proportions of the patient."""
    width_mm, height_mm = ((part.stop - part.start) * step for part, step in zip(box, spacing, strict=False))
    scale = _PANEL_PX / max(width_mm, height_mm)
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
        colours = np.array([(0, 0, 0), *COLOURS])[np.where(channels > 0, (channels - 1) % len(COLOURS) + 1, 0)]
        inside = channels > 0
        drawn[inside] = np.round(0.7 * drawn[inside] + 0.3 * colours[inside])
        line = _inner_outline(channels, 5)
        drawn[line] = colours[line]
    if thin is not None:
        drawn[_inner_outline(thin, 3)] = _WHITE
    return drawn


def _inner_outline(channels: np.ndarray, width_px: int) -> np.ndarray:
    """Pixels of organs within `width_px` // 2 of another channel."""
    highest = ndimage.maximum_filter(channels, size=width_px, mode="nearest")
    return (channels > 0) & (highest != ndimage.minimum_filter(channels, size=width_px, mode="nearest"))


def _row(panels: Sequence[np.ndarray], captions: Sequence[str]) -> np.ndarray:
    """Panels side by side with a line of words above each; always as wide as three."""
    height, width = panels[0].shape[:2]
    row = np.full((height + _LINE_PX, _SLICES * width + (_SLICES - 1) * _GAP_PX, 3), 255, np.uint8)
    canvas = Image.fromarray(row)
    pen = ImageDraw.Draw(canvas)
    for number, (panel, caption) in enumerate(zip(panels, captions, strict=True)):
        left = number * (width + _GAP_PX)
        canvas.paste(Image.fromarray(panel), (left, _LINE_PX))
        pen.text((left + 2, 2), caption, fill=(60, 60, 60), font=_font())
    return np.asarray(canvas)


def _legend(channels: Sequence[int], organs: Sequence[str], width: int, white: bool) -> np.ndarray:
    """Colours and names of organs, in as many lines as they take."""
    entries = [(COLOURS[(channel - 1) % len(COLOURS)], organs[channel - 1]) for channel in channels]
    entries += [(_WHITE, "outline of the reference")] if white else []
    font, places, left, top = _font(), [], 0, 0
    for colour, name in entries:
        needed = 22 + round(font.getlength(name)) + 18
        if left and left + needed > width:
            left, top = 0, top + _LINE_PX
        places.append((left, top, colour, name))
        left += needed
    canvas = Image.new("RGB", (width, top + _LINE_PX), _WHITE)
    pen = ImageDraw.Draw(canvas)
    for left, top, colour, name in places:
        pen.rectangle((left, top + 4, left + 15, top + 17), fill=colour, outline=(60, 60, 60))
        pen.text((left + 22, top + 2), name, fill=(40, 40, 40), font=font)
    return np.asarray(canvas)


def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(15)  # type: ignore[return-value]
