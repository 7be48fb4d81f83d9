"""Outlines to instance ids: polygons as lists of rings of (n, 2) x y, the first its outline, the others its holes."""

from __future__ import annotations

from typing import Any

import numpy as np
from skimage.draw import polygon2mask

from ...checks import RequestError
from ..source_file import SourceFile
from .places import places

Polygon = list[np.ndarray]
_Window = tuple[tuple[int, int], np.ndarray]  # the corner (y, x) of an object's box, and its mask within that
_LARGEST = 1e7  # px; no slide is larger
_SLIVER = 9  # px; smaller pieces are what edits leave behind


def polygons(file: SourceFile, areas: list[Any], shape: tuple[int, int]) -> list[Polygon]:
    """Check the coordinates of one object.

    Args:
        file: Where they are from, for messages.
        areas: Each a list of rings of x y, as JSON holds them.
        shape: (h, w) of the image.

    Returns:
        Its polygons.

    Raises:
        RequestError: They are no rings, or the object lies outside the image.
    """
    try:
        found = [[np.asarray(ring, dtype=float)[:, :2] for ring in area if ring != []] for area in areas]
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise RequestError(f"{file}: found a polygon whose coordinates are no numbers x y") from error
    rings = [ring for polygon in found for ring in polygon]
    if any(ring.ndim != 2 or ring.shape[1] != 2 for ring in rings):
        raise RequestError(f"{file}: found a polygon whose coordinates are no numbers x y")
    if any(len(ring) < 4 or not (np.abs(ring) <= _LARGEST).all() for ring in rings):
        raise RequestError(f"{file}: found a ring with fewer than 4 points or no numbers, wanted closed rings")
    points = np.concatenate(rings)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    height, width = shape
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        raise RequestError(
            f"{file}: found an object at x {left:.0f} to {right:.0f}, y {top:.0f} to {bottom:.0f}, outside the image "
            f"of {width} x {height}; wanted the coordinates of this very image, not of the slide it was cut from"
        )
    return found


def draw(objects: list[list[Polygon]], shape: tuple[int, int]) -> tuple[np.ndarray, list[str]]:
    """Draw each object; one whose pieces lie apart becomes one gland a piece.

    Args:
        objects: The polygons of each.
        shape: (h, w) of the image.

    Returns:
        (h, w) int32 ids from 1 without gaps, in the order of the objects, and remarks. The smaller is on top.
    """
    remarks = []
    parted = [_parted(_window(polygons, shape)) for polygons in objects]
    if several := [len(windows) for windows in parted if len(windows) > 1]:
        remarks.append(f"{len(several)} objects lie in {sum(several)} pieces apart, each taken for a gland")
    windows = [window for windows in parted for window in windows]
    ids = np.zeros(shape, np.int64)
    inner = 0
    for index in sorted(range(len(windows)), key=lambda index: (-int(windows[index][1].sum()), index)):
        (top, left), mask = windows[index]
        under = ids[top : top + mask.shape[0], left : left + mask.shape[1]]
        inner += bool(mask.any() and (under[mask] > 0).all())
        under[mask] = index + 1
    found = np.unique(ids[ids > 0])
    if lost := len(windows) - len(found):
        remarks.append(f"{lost} objects cover no pixel of their own")
    if inner:
        remarks.append(
            f"{inner} outlines lie wholly inside another one, all taken for glands; a region around glands needs a "
            "class whose name ends with *"
        )
    return np.where(ids > 0, np.searchsorted(found, ids) + 1, 0).astype(np.int32), remarks


def _window(polygons: list[Polygon], shape: tuple[int, int]) -> _Window:
    """One object, cut to the image."""
    points = np.concatenate([ring for polygon in polygons for ring in polygon])
    low = np.clip(np.floor(points.min(axis=0)).astype(int), 0, None)
    high = np.minimum(np.ceil(points.max(axis=0)).astype(int), (shape[1], shape[0]))
    corner, size = (int(low[1]), int(low[0])), (int(high[1] - low[1]), int(high[0] - low[0]))
    mask = np.zeros(size, bool)
    for outline, *holes in polygons:
        # skimage has pixel centres at whole numbers, QuPath half a pixel further.
        part = polygon2mask(size, outline[:, ::-1] - 0.5 - corner)
        for hole in holes:
            part &= ~polygon2mask(size, hole[:, ::-1] - 0.5 - corner)
        mask |= part
    return corner, mask


def _parted(window: _Window) -> list[_Window]:
    """One window a piece; slivers stay with the largest."""
    corner, mask = window
    numbers = places(mask)
    sizes = np.bincount(numbers.ravel())[1:]
    wide = [number for number, size in enumerate(sizes, start=1) if size >= _SLIVER]
    if len(wide) < 2:
        return [window]
    largest = 1 + int(sizes.argmax())
    numbers[mask & ~np.isin(numbers, wide)] = largest
    return [(corner, numbers == number) for number in wide]
