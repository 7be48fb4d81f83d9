"""What the values of a mask of glands mean: one rule for every kind of file, whatever it is called.

1. One value, or one beside 0: gland, each connected piece one. A mask without any 0 is said.
2. Two levels with smoothed edges or the noise of a lossy compression: cut at half, and said.
3. Values that are each in one place: ids, one a gland.
4. Anything else is refused: rims of in-between values, no background, and values that are each in several places far
   apart, which are classes. `--classes 1,2` names the values of glands; each connected piece of them is one.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.measure import label

from ...checks import RequestError
from ...targets import instance_ids
from ..masks import DecodedMask, whole
from ..source_file import SourceFile
from .classes import NO_CLASSES, Classes
from .places import places
from .two_levels import flat, two_levels

_CONTRAST = 32  # below it, a lossy compression leaves nothing of a mask
_RIM_SHARE = 0.03  # of the pixels near a change of value; below 0.0002 in all masks of GlaS, above 0.1 once smoothed
_ISLANDS = 2  # so many glands look like a mask that is inverted
_REMEDY = "--classes names the values that are glands, or save a mask of 0 and 1 or of one id a gland"


def gland_ids(
    file: SourceFile, mask: DecodedMask, classes: Classes = NO_CLASSES
) -> tuple[np.ndarray, list[str], dict[str, int]]:
    """Number the glands of a mask.

    Args:
        file: Where it is from, for messages.
        mask: As decoded.
        classes: The values that are glands, where the user said so.

    Returns:
        (h, w) int32 ids from 1 without gaps; remarks; and the values there are, by their names, where the user chose.

    Raises:
        RequestError: It cannot be told what the values mean.
    """
    values, notes = _levels(file, mask)
    values = whole(file, values)
    found = [int(one) for one in np.unique(values)]
    ids = [one for one in found if one > 0]
    if classes.values:
        if left := [str(one) for one in ids if one not in classes.values]:
            notes.append(f"left out by --classes: the values {_listed(left)}")
        chosen = np.isin(values, [one for one in classes.values if one > 0])
        return instance_ids(chosen), notes, {str(one): 1 for one in found}
    if found[0] > 0 and len(found) > 1:
        listed = _listed([str(one) for one in found])
        raise RequestError(f"{file}: found the values {listed} and no 0, wanted 0 for background; {_REMEDY}")
    if found[0] > 0:
        notes.append(f"every pixel is {found[0]}, none is background: taken for one gland that fills the image")
    elif len(ids) == 1 and _looks_inverted(values > 0):
        notes.append("the corners and most of the image are gland: look whether the mask is inverted")
    elif len(ids) > 1:
        notes += _check_ids(file, values, np.array(ids))
    return instance_ids(values), notes, {}


def _levels(file: SourceFile, mask: DecodedMask) -> tuple[np.ndarray, list[str]]:
    """The values, cut at half where they are two smoothed levels; and remarks."""
    notes = list(mask.notes)
    for values, way in ((mask.shown, " that its palette shows"), (mask.values, "")):
        if values is not None and (cut := two_levels(values)) is not None:
            above, low, high = cut
            number = len(np.unique(values)) - 2
            text = (
                f"{number} values{way} between and around {low:g} and {high:g}, as smoothed edges and compression leave"
            )
            return above * round(max(high, 1)), [*notes, f"{text}: cut at half"]
    if mask.inexact and mask.values.max() > 0 and (len(np.unique(mask.values)) > 2 or np.ptp(mask.values) < _CONTRAST):
        raise RequestError(
            f"{file}: found a mask whose lossy compression invents values, and not two levels that could be told "
            "apart; wanted the PNG or TIFF that it was made from"
        )
    return mask.values, notes


def _looks_inverted(gland: np.ndarray) -> bool:
    """Whether most of the image is gland, its corners too, and what is not lies in it like islands."""
    if not gland[[0, 0, -1, -1], [0, -1, 0, -1]].all() or gland.mean() < 0.5:
        return False
    islands = label(ndimage.binary_opening(~gland, np.ones((3, 3), bool)), connectivity=2)
    rim = np.concatenate([islands[0], islands[-1], islands[:, 0], islands[:, -1]])
    return int(islands.max()) - len(np.unique(rim[rim > 0])) >= _ISLANDS


def _check_ids(file: SourceFile, values: np.ndarray, ids: np.ndarray) -> list[str]:
    """Refuse several values that are no ids; remarks on those that might be none."""
    numbers = np.where(values > 0, np.searchsorted(ids, values) + 1, 0).astype(np.int32)
    even = flat(numbers)
    pieces = label(numbers, connectivity=2)
    wide = np.zeros(int(pieces.max()) + 1, bool)
    wide[pieces[even]] = True
    wide[0] = True  # background
    if even.any() and _rim(numbers, wide[pieces]).sum() >= _RIM_SHARE * (~even).sum():
        raise RequestError(
            f"{file}: found {len(ids)} values, many of them only at the edges of others, as smoothing, resizing or a "
            f"lossy compression leaves; wanted ids resized by nearest neighbour; {_REMEDY}"
        )
    boxes = ndimage.find_objects(numbers)
    counts = _places_each(np.where(wide[pieces], numbers, 0), pieces, boxes)
    several = [f"{ids[index]} in {count}" for index, count in enumerate(counts) if count > 1]
    if sum(counts) >= 2 * len(ids) or len(several) > len(ids) / 2:
        listed = _listed(several)
        raise RequestError(f"{file}: found values in several places far apart ({listed}), as of classes; {_REMEDY}")
    notes = []
    if several:
        notes.append(f"values in several places far apart, each taken for one gland: {_listed(several)}")
    inner = [str(ids[number - 1]) for number, box in enumerate(boxes, start=1) if _inside_another(numbers, number, box)]
    if inner:
        notes.append(f"values that lie wholly inside another one, taken for glands of their own: {_listed(inner)}")
    return notes


def _places_each(bodies: np.ndarray, pieces: np.ndarray, boxes: list[tuple[slice, slice]]) -> list[int]:
    """In how many places each id is; narrow pieces do not count."""
    _, first = np.unique(pieces, return_index=True)
    parts = np.bincount(bodies.ravel()[first], minlength=len(boxes) + 1)[1:]
    return [
        int(places(bodies[box] == number).max()) if parts[number - 1] > 1 else 1
        for number, box in enumerate(boxes, start=1)
    ]


def _rim(numbers: np.ndarray, wide: np.ndarray) -> np.ndarray:
    """Pixels of narrow pieces that lie where wide ones meet, or have a value between those around them."""
    narrow = ~wide & (numbers > 0)
    if not narrow.any():
        return narrow
    top = int(numbers.max()) + 1
    low = ndimage.minimum_filter(np.where(narrow, top, numbers), 5)
    high = ndimage.maximum_filter(np.where(narrow, -1, numbers), 5)
    between = (ndimage.minimum_filter(numbers, 5) < numbers) & (numbers < ndimage.maximum_filter(numbers, 5))
    return narrow & (((low < high) & (low < top)) | between)


def _inside_another(numbers: np.ndarray, number: int, box: tuple[slice, slice]) -> bool:
    if any(side.start == 0 or side.stop == length for side, length in zip(box, numbers.shape, strict=True)):
        return False
    window = numbers[tuple(slice(side.start - 1, side.stop + 1) for side in box)]
    mine = window == number
    around = np.unique(window[ndimage.binary_dilation(mine, np.ones((3, 3), bool)) & ~mine])
    return len(around) == 1 and around[0] > 0


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
