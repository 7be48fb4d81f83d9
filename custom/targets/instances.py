"""From the network's three maps back to glands: markers, then a watershed inside the foreground.

Axes: c, h, w = the five channels of `maps`, then the two spatial axes in whichever order the reader gave them.

**How touching glands are told apart.** The height of a pixel is its distance from the border in µm times the
probability that it is no border. From a gland to its neighbour the height falls to nearly nothing; along a path inside
one gland it falls no further than the waist. A peak is a gland of its own if every path to a higher peak falls below
the share `SADDLE` of it: the h-maxima transform with the depth as a share of the peak (h-maxima of the logarithm).
A threshold on the distance does worse: low, it merges glands whose shared border the network blurs; high, it cuts
glands at their waists and loses thin ones. So does a fixed depth in µm: thin glands are not that deep, and the dips of
large ones are. `FLOOR_UM` is added to every height, so that ripples near the border are no peaks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage
from skimage.measure import block_reduce
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from .maps import CHANNELS, DISTANCE, gland_mask, no_border_probability

# Between 0.3 and 0.5 the labels of GlaS's training images come back from maps blurred by 1.5 to 6 µm, with noise, at an
# object F1 of 0.98 to 0.995; from 0.6 on, waists are cut.
SADDLE = 0.35
FLOOR_UM = 1.0
# The grid on which peaks are looked for: they need no finer one, and the reconstruction is the slow part.
PEAKS_MPP = 1.2


def instances(maps: Any, mpp: float, distance_um: float | None, min_area_um2: float = 500.0) -> np.ndarray:
    """Glands as instance ids, from the fused outputs of the network.

    Foreground is where the gland probability is above 0.5, a fixed threshold. Each 4-connected piece of it is one
    gland, or several where the distance and the boundary say so (see the top of this file); a watershed on the height
    divides it. A part smaller than min_area_um2 goes to the glands beside it; holes inside a gland are filled, with
    whatever lies in them; a piece that is still smaller than min_area_um2 is removed. So each foreground pixel belongs
    to a gland or to a removed speck.

    Args:
        maps: (5, h, w): mask logits (background, gland), signed distance in [-1, 1], boundary logits (no, yes); what
            further outputs add behind these is not looked at.
        mpp: Size of a pixel of the maps in µm, > 0.
        distance_um: The distance in µm at which the distance map is 1, as in training, > 0. None where it has no such
            scale: each piece of the foreground is one gland then, and `maps` needs its first two channels only.
        min_area_um2: Area of the smallest gland in µm², >= 0. (Of the 769 glands in GlaS's training images, 3 % are
            below 500 µm²; the median is 4,600 µm².)

    Returns:
        int32 (h, w), 0 = background, glands 1..N, each one 4-connected piece without holes.

    Raises:
        ValueError: If the shape is another one, the maps are not finite, or a size is out of range.
    """
    fused = np.asarray(maps)
    channels = 2 if distance_um is None else CHANNELS
    if fused.ndim != 3 or fused.shape[0] < channels or fused.size == 0:
        raise ValueError(f"maps are ({channels}, h, w), got the shape {fused.shape}")
    if not np.isfinite(fused).all():
        raise ValueError("maps hold NaN or infinite values")
    if not (mpp > 0 and (distance_um is None or distance_um > 0) and min_area_um2 >= 0):
        raise ValueError(f"size out of range: mpp {mpp}, distance_um {distance_um}, min_area_um2 {min_area_um2}")
    foreground = gland_mask(fused)
    pieces = ndimage.label(foreground, output=np.int32)[0]
    min_px = min_area_um2 / mpp**2
    if distance_um is None:
        return _filled(pieces, min_px)
    height = (np.clip(fused[DISTANCE], 0, 1) * no_border_probability(fused) * distance_um + FLOOR_UM) * foreground
    height = height.astype(np.float32)
    return _filled(_split(pieces, _peaks(height, mpp), height, min_px), min_px)


def _peaks(height: np.ndarray, mpp: float) -> np.ndarray:
    """Positions of the peaks that stand for glands.

    Args:
        height: (h, w), > 0 in the foreground and 0 elsewhere.
        mpp: Size of a pixel in µm.

    Returns:
        (n,) indices into the flat height: the highest pixel of each peak.
    """
    factor = max(1, round(PEAKS_MPP / mpp))
    coarse = block_reduce(height, (factor, factor), np.mean) if factor > 1 else height
    # The value here is min(SADDLE * highest peak within reach, lowest point on the way): a flat top is left around each
    # peak from which no higher one is reached above SADDLE * peak.
    tops = ndimage.label(local_maxima(reconstruction(coarse * SADDLE, coarse)), np.ones((3, 3)))[0]
    tops = tops.repeat(factor, axis=0).repeat(factor, axis=1)[: height.shape[0], : height.shape[1]]
    where = np.flatnonzero((tops > 0) & (height > 0))
    where = where[np.lexsort((height.ravel()[where], tops.ravel()[where]))]
    top = tops.ravel()[where]
    return where[np.append(top[1:] != top[:-1], True)] if len(where) else where


def _split(pieces: np.ndarray, peaks: np.ndarray, height: np.ndarray, min_px: float) -> np.ndarray:
    """Divide each piece of foreground with several peaks among them.

    Args:
        pieces: (h, w) ids of the pieces.
        peaks: (n,) flat positions of the peaks.
        height: (h, w) height.
        min_px: Area of the smallest part, in pixels.

    Returns:
        int32 (h, w): ids of the parts, not in sequence; the foreground is that of pieces.
    """
    ids = pieces.copy()
    last = int(pieces.max())
    markers = np.zeros_like(pieces)
    markers.flat[peaks] = np.arange(1, len(peaks) + 1)
    peaks_of = np.bincount(pieces.flat[peaks], minlength=last + 1)
    for piece, box in enumerate(ndimage.find_objects(pieces), start=1):
        if peaks_of[piece] > 1:
            inside = pieces[box] == piece
            parts = _parts(np.where(inside, markers[box], 0), height[box], inside, min_px)
            ids[box][inside] = parts[inside] + last
            last += len(peaks)
    return ids


def _parts(markers: np.ndarray, height: np.ndarray, inside: np.ndarray, min_px: float) -> np.ndarray:
    """Watershed of one piece; the markers of parts that come out too small are taken away, and it is divided again."""
    parts = watershed(-height, markers, mask=inside)
    area = np.bincount(parts[inside])
    kept = area >= min_px
    if not kept.any():
        kept[area.argmax()] = True
    if np.all(kept[area > 0]):
        return parts
    return watershed(-height, np.where(kept[markers] & (markers > 0), markers, 0), mask=inside)


def _filled(ids: np.ndarray, min_px: float) -> np.ndarray:
    """Fill the holes of each object, remove what is smaller than min_px then, and number the rest 1..N."""
    filled = np.zeros_like(ids)
    last = 0
    objects = [(label, box) for label, box in enumerate(ndimage.find_objects(ids), start=1) if box is not None]
    # Larger boxes first: an object inside another's hole is met after it, and is part of it.
    for label, box in sorted(objects, key=lambda found: -_area(found[1])):
        if _area(box) < min_px:
            break
        whole = ndimage.binary_fill_holes(ids[box] == label)
        if np.count_nonzero(whole) >= min_px and not filled[box][ids[box] == label].any():
            last += 1
            filled[box][whole] = last
    return filled


def _area(box: tuple[slice, ...]) -> int:
    """Number of pixels in a box."""
    return int(np.prod([side.stop - side.start for side in box]))
