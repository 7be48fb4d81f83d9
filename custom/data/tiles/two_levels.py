"""Pictures of two levels whose edges were smoothed, or which a lossy compression went over."""

import numpy as np
from scipy import ndimage
from skimage.measure import label

# How far from an edge smoothing reaches, in pixels.
_REACH = 4
# Of the difference between the levels: what compression adds to a level; only where the levels are this far apart.
_NOISE, _APART = 0.25, 32
# What a rim is at least of all pixels near a change of value, and what may be left over of those off the levels.
RIM_SHARE, _LEFT_SHARE = 0.15, 0.01
_LEVEL_SHARE = 0.4  # of all pixels, exactly on one of the levels


def flat(values: np.ndarray) -> np.ndarray:
    """Pixels whose eight neighbours have their value.

    Args:
        values: (h, w).
    """
    size = (3, 3)
    return ndimage.maximum_filter(values, size) == ndimage.minimum_filter(values, size)


def two_levels(values: np.ndarray) -> tuple[np.ndarray, float, float] | None:
    """Tell a smoothed or compressed picture of two levels from ids.

    The levels are the two most frequent values. Every other value has to lie at their edges, or near one of them and
    scattered: an id has a place of its own with some width.

    Args:
        values: (h, w) numbers.

    Returns:
        Where the upper level is, cut at half, and both levels; None for any other picture.
    """
    found, counts = np.unique(values, return_counts=True)
    if len(found) < 3 or not np.isfinite(found).all():
        return None
    low, high = sorted(float(one) for one in found[np.argsort(counts, kind="stable")[-2:]])
    values = values.astype(np.float64)
    off = (values != low) & (values != high)
    even = flat(values)
    if off.mean() > 1 - _LEVEL_SHARE or not ((values == low) & even).any() or not ((values == high) & even).any():
        return None
    above = values > (low + high) / 2
    size = 2 * _REACH + 1
    edge = ndimage.maximum_filter(above, size) & ~ndimage.minimum_filter(above, size)
    noise_size = _NOISE * (high - low) if high - low >= _APART else 0.0
    inside = (values >= low - noise_size) & (values <= high + noise_size)
    rim = off & edge & inside
    noise = off & ~rim & (np.abs(values - np.where(above, high, low)) <= noise_size)
    if (off & ~rim & ~noise).sum() > _LEFT_SHARE * off.sum():
        return None
    if not _is_rim(rim & ~even, even) and not _is_scattered(values, off, even):
        return None
    if even[off].mean() > 0.5 or (noise.any() and even[noise].mean() > 0.5):
        return None
    return above, low, high


def _is_rim(rim: np.ndarray, even: np.ndarray) -> bool:
    return bool(rim.sum() >= RIM_SHARE * (~even).sum())


def _is_scattered(values: np.ndarray, off: np.ndarray, even: np.ndarray) -> bool:
    """Whether each value is in several pieces on average, as noise is; ids are in one."""
    _, numbers = np.unique(values[off], return_inverse=True)
    ids = np.zeros(values.shape, np.int64)
    ids[off] = numbers + 1
    return label(ids, connectivity=2).max() >= 2 * (numbers.max() + 1)
