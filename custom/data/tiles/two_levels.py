"""Pictures of two levels whose edges were smoothed, or which a lossy compression went over."""

import itertools

import numpy as np
from scipy import ndimage
from skimage.measure import label

# How far from an edge smoothing reaches, in pixels.
_REACH = 4
# Of the difference between the levels: what compression adds to a level. Of whole numbers that are nearer than this
# to each other it leaves nothing.
_NOISE, _APART = 0.25, 32
# What a rim is at least of all pixels near a change of value, and what may be left over of those off the levels.
_RIM_SHARE, _LEFT_SHARE = 0.1, 0.01
_LEVEL_SHARE = 0.4  # of all pixels, exactly on one of the levels
_EVEN_SHARE = 0.5  # of those off the levels, at most so many amid their equals: noise and rims are thin
# Pieces that each value off the levels is in, on average: in some, and in so many that it is noise though not thin.
_SOME_PIECES, _MANY_PIECES, _MANY_VALUES = 2, 8, 8


def flat(values: np.ndarray) -> np.ndarray:
    """Pixels whose eight neighbours have their value.

    Args:
        values: (h, w).
    """
    height, width = values.shape
    padded = np.pad(values, 1, "edge")
    same = np.ones(values.shape, bool)
    for down, right in itertools.product(range(3), repeat=2):
        same &= padded[down : down + height, right : right + width] == values
    return same


def two_levels(values: np.ndarray) -> tuple[np.ndarray, float, float] | None:
    """Tell a smoothed or compressed picture of two levels from ids.

    The levels are the most frequent value, and the most frequent one of those far from it. Every other value has to
    lie at their edges, or near one of them and scattered: an id has a place of its own with some width.

    Args:
        values: (h, w) numbers.

    Returns:
        Where the upper level is, cut at half, and both levels; None for any other picture.
    """
    found, counts = np.unique(values, return_counts=True)
    if len(found) < 3 or not np.isfinite(found).all():
        return None
    first = found[counts.argmax()]
    away = np.abs(found.astype(np.float64) - first) > (found[-1] - found[0]) * _NOISE
    low, high = sorted((float(first), float(found[away][counts[away].argmax()])))
    off = (values != low) & (values != high)
    even = flat(values)
    if off.mean() > 1 - _LEVEL_SHARE or not ((values == low) & even).any() or not ((values == high) & even).any():
        return None
    pieces = _pieces_per_value(values, off)
    many = len(found) > _MANY_VALUES and pieces >= _MANY_PIECES
    if not many and even[off].mean() > _EVEN_SHARE:
        return None
    values = values.astype(np.float64)
    above = values > (low + high) / 2
    size = 2 * _REACH + 1
    edge = ndimage.maximum_filter(above, size) & ~ndimage.minimum_filter(above, size)
    graded = high - low >= _APART or bool((found != np.round(found)).any())
    noise_size = _NOISE * (high - low) if graded else 0.0
    rim = off & edge & (values >= low - noise_size) & (values <= high + noise_size)
    noise = off & ~rim & (np.abs(values - np.where(above, high, low)) <= noise_size)
    if (off & ~rim & ~noise).sum() > _LEFT_SHARE * off.sum():
        return None
    if not many and noise.any() and even[noise].mean() > _EVEN_SHARE:
        return None
    is_rim = (rim & ~even).sum() >= _RIM_SHARE * (~even).sum()
    return (above, low, high) if is_rim or pieces >= _SOME_PIECES else None


def _pieces_per_value(values: np.ndarray, off: np.ndarray) -> float:
    """How many pieces each value is in on average: ids are in one, noise is in many."""
    _, numbers = np.unique(values[off], return_inverse=True)
    ids = np.zeros(values.shape, np.int64)
    ids[off] = numbers + 1
    return float(label(ids, connectivity=2).max() / (numbers.max() + 1))
