"""One picture of many volumes: the middle labelled slice of each with its organs outlined, and whose colour is whose.

Slices are shown as radiologists see them: from the feet, the patient's right on the left, the front up.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.segmentation import find_boundaries

from ...drawing.sheet import ContactSheetCell, draw_sheet
from .files import VolumePair

_CELL_PX, _SWATCH_PX, _LINE_PX, _MARGIN_PX = 192, 12, 18, 8
_PAPER, _INK = (255, 255, 255), (0, 0, 0)
# Bright and far apart on grey.
_COLOURS = (
    (255, 60, 60), (60, 220, 60), (80, 140, 255), (255, 225, 25), (245, 130, 48), (200, 80, 255), (70, 240, 240),
    (240, 50, 230), (190, 255, 60), (250, 190, 212), (0, 160, 145), (220, 190, 255), (170, 110, 40), (255, 250, 200),
    (170, 255, 195), (150, 150, 0),
)  # fmt: skip


def colours(labels: Mapping[int, str]) -> dict[int, tuple[int, int, int]]:
    """A colour for each label id.

    Args:
        labels: id to organ.

    Returns:
        Id to red, green, blue.
    """
    result = {}
    for index, label in enumerate(labels):
        # The golden ratio keeps any number of further hues apart.
        hue = colorsys.hsv_to_rgb(index * 0.618034 % 1, 0.6, 1.0)
        drawn = tuple(round(255 * part) for part in hue)
        result[label] = _COLOURS[index] if index < len(_COLOURS) else (drawn[0], drawn[1], drawn[2])
    return result


def draw_volume(
    pair: VolumePair, intensity: Mapping[str, list[float]], shades: Mapping[int, tuple[int, int, int]], caption: str
) -> ContactSheetCell:
    """Draw the middle one of the slices that hold a label; of an unlabelled volume the middle slice.

    Args:
        pair: the volume, in any orientation.
        intensity: its modality's `window_hu` or `percentiles`.
        shades: colour by label id.
        caption: what stands under it; the slice's number from the feet is added.

    Returns:
        The cell, in the true proportions.
    """
    image = pair.image.upright()
    label = None if pair.label is None else pair.label.upright().values
    depth = image.values.shape[2]
    marked = np.arange(depth) if label is None or not label.any() else np.flatnonzero(label.any(axis=(0, 1)))
    z = int(marked[len(marked) // 2])
    grey = _grey(image.values, z, intensity)
    height_mm, width_mm = grey.shape[0] * image.spacing[1], grey.shape[1] * image.spacing[0]
    scale = _CELL_PX / max(height_mm, width_mm)
    size = (max(1, round(width_mm * scale)), max(1, round(height_mm * scale)))
    shrinks = size[0] < grey.shape[1]
    drawn = Image.fromarray(grey).resize(size, Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC)
    picture = np.stack([np.asarray(drawn)] * 3, -1)
    if label is not None:
        plane = Image.fromarray(_as_seen(label[..., z]).astype(np.int32)).resize(size, Image.Resampling.NEAREST)
        ids = np.asarray(plane)
        border = find_boundaries(ids, mode="inner")
        for one, shade in shades.items():
            picture[border & (ids == one)] = shade
    caption += f", slice {z + 1} of {depth}" if depth > 1 else ""
    return ContactSheetCell(Image.fromarray(picture), caption)


def draw_volume_sheet(sections: dict[str, list[ContactSheetCell]], labels: Mapping[int, str]) -> Image.Image:
    """Lay out the cells as other contact sheets do, under a legend.

    Args:
        sections: cells by the title of their section.
        labels: id to organ.

    Returns:
        The sheet.
    """
    sheet = draw_sheet(sections)
    font = ImageFont.load_default(size=12)
    places, left, top = [], _MARGIN_PX, _MARGIN_PX
    for one, organ in labels.items():
        text = f"{one} {organ}"
        width = _SWATCH_PX + 4 + round(font.getlength(text)) + 2 * _MARGIN_PX
        if left + width > sheet.width and left > _MARGIN_PX:
            left, top = _MARGIN_PX, top + _LINE_PX
        places.append((left, top, text))
        left += width
    legend_px = top + _LINE_PX + _MARGIN_PX
    whole = Image.new("RGB", (sheet.width, sheet.height + legend_px), _PAPER)
    whole.paste(sheet, (0, legend_px))
    pen = ImageDraw.Draw(whole)
    for (x, y, text), shade in zip(places, colours(labels).values(), strict=True):
        pen.rectangle((x, y, x + _SWATCH_PX, y + _SWATCH_PX), fill=shade, outline=_INK)
        pen.text((x + _SWATCH_PX + 4, y - 1), text, fill=_INK, font=font)
    return whole


def _grey(values: np.ndarray, z: int, intensity: Mapping[str, list[float]]) -> np.ndarray:
    """(h, w) uint8 of one upright slice."""
    if "window_hu" in intensity:
        low, high = intensity["window_hu"]
    else:
        low, high = np.percentile(values[::2, ::2], intensity["percentiles"])  # every fourth voxel will do for a look
    plane = _as_seen(values[..., z]).astype(np.float32)
    return (np.clip((plane - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)


def _as_seen(plane: np.ndarray) -> np.ndarray:
    """(x, y) towards right and front -> (h, w)."""
    return plane[::-1, ::-1].T
