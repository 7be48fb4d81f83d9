"""Whether a volume's intensities are what its task wants: HU where a window is in HU, a contrast, and what was learnt.

Intensities are compared where they are scaled to [0, 1] as the network sees them, so that the scanner's own scale of MR
does not matter. Padding does not count, nor what is scaled to 0: how much air a volume shows says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from .organ_task import intensity_range
from .padding import without_padding

# The dark end, the middle and the bright end of what is scaled above 0.
_PERCENTILES = (5, 50, 95)
_NAMES = ("dark end", "middle", "bright end")
# How far beyond those of all training volumes is far, on the scale from 0 to 1.
_FAR = 0.2
# A CT's window begins in fat and air, so a share of this above its lower end is never the lowest of HU.
_DARKEST = 0.25
_SEEN = 1_000_000  # of larger volumes, every k-th voxel

Spread = list[float]


def spread(values: np.ndarray, intensity: Mapping[str, list[float]]) -> Spread | None:
    """Dark end, middle and bright end of a volume on the scale of its task.

    Args:
        values: The volume; all finite.
        intensity: As an `OrganTask` has it.

    Returns:
        Three numbers in [0, 1]; None where nothing has a value above 0.
    """
    low, high = intensity_range(values, intensity)
    if high <= low:
        return None
    inner = without_padding(values).ravel()
    inner = inner[:: max(1, inner.size // _SEEN)]
    scaled = (inner[inner > low].astype(np.float32) - low) / (high - low)
    if not scaled.size:
        return None
    return [round(float(one), 4) for one in np.percentile(np.minimum(scaled, 1), _PERCENTILES)]


def spreads(found: Iterable[Spread | None]) -> list[Spread]:
    """What training volumes have, as weights keep it: the least and the largest of each of the three numbers.

    Args:
        found: What `spread` gave of each.

    Returns:
        Three pairs; none where no volume has a spread.
    """
    known = [one for one in found if one is not None]
    return [[min(numbers), max(numbers)] for numbers in zip(*known, strict=True)]


def oddity(values: np.ndarray, intensity: Mapping[str, list[float]]) -> str:
    """What is odd about a volume's intensities by its task alone, in words; empty where nothing is.

    Args:
        values: The volume; all finite.
        intensity: As an `OrganTask` has it.
    """
    inner = without_padding(values)
    if inner.min() == inner.max():
        return "all voxels have one value: nothing can be found there"
    if (window := intensity.get("window_hu")) and (said := _no_hu(inner, window)):
        return said
    own = spread(values, intensity)
    if own is None or own[0] == own[-1]:
        return "one value fills nearly all of the task's scale: hardly a contrast is left"
    return ""


def unlike(own: Spread | None, learnt: Iterable[Spread]) -> str:
    """Where a volume lies far from what was learnt, in words; empty where it does not.

    Args:
        own: What `spread` gave of it.
        learnt: What `spreads` gave of the training volumes; empty where it is not known.
    """
    for name, one, (low, high) in zip(_NAMES, own or (), learnt, strict=False):
        if not low - _FAR <= one <= high + _FAR:
            where = "below" if one < low else "above"
            return f"intensities are unlike those of the training volumes, the {name} far {where}"
    return ""


def _no_hu(inner: np.ndarray, window: list[float]) -> str:
    """A CT without fat or air, or with nothing else, is hardly in HU."""
    low, high = window
    # Not the lowest of all: one voxel below may be noise, and the lowest value may be a filling of corners.
    some = inner.ravel()[:: max(1, inner.size // _SEEN)]
    above = some[some > some.min()]
    darkest, brightest = (float(one) for one in np.percentile(above if above.size else some, (0.5, 99.5)))
    begins = f"the window begins at {low:g} HU"
    if darkest >= low + _DARKEST * (high - low):
        lowest = "no voxel lies below 0" if inner.min() >= 0 else "hardly a voxel lies near its lower end"
        return f"{lowest} although {begins}: are these HU?"
    if brightest <= low:
        return f"hardly a voxel is brighter although {begins}: are these HU?"
    return ""
