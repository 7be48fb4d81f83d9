"""How well the organs of a volume were found, by MONAI's functions, with rules for organs that are not there.

Axes: x, y, z = the three axes of a volume in any order.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.metrics import compute_dice, compute_hausdorff_distance, compute_surface_dice
from scipy import ndimage

# Outlines this close count as the same. Common for abdominal organs; a hippocampus has 1 mm voxels and wants 1.
TOLERANCE_MM = 2.0
SCORES = ("dice", "hd95_mm", "surface_dice")
# By whether the organ is there, and whether it was found.
_OUTCOMES = {(True, True): "found", (True, False): "missed", (False, True): "extra", (False, False): "absent"}
# Voxels kept around both masks: one, so that an outline that ends inside the volume still ends inside the crop.
_MARGIN = 1


def organ_scores(
    prediction: Any, label: Any, spacing: Sequence[float], classes: Sequence[str], tolerance_mm: float = TOLERANCE_MM
) -> dict[str, dict[str, Any]]:
    """Dice, HD95 and surface Dice of each organ of one volume.

    HD95 is the larger of the 95th percentiles of the distances from either outline to the other; surface Dice (Nikolov
    et al. 2018) the share of both outlines within `tolerance_mm` of the other. Outlines are the outermost voxels, and
    the volume's end closes them. An organ that is missed, and one that is found where there is none, scores 0, 0 and
    the diagonal of the volume; one that is neither there nor found scores NaN and shall be left out of means. (MONAI
    leaves out the false positives of Dice and the misses of HD95.)

    Args:
        prediction: (x, y, z) channel numbers, 0 = background, 1 = the first of `classes`.
        label: The same of the truth.
        spacing: Size of a voxel along each axis in mm, > 0.
        classes: The organs' names in the order of their channels, without background.
        tolerance_mm: Of surface Dice, >= 0.

    Returns:
        By organ `dice`, `hd95_mm`, `surface_dice`; `outcome`: found, missed, extra (found where there is none) or
        absent; `label_ml` and `predicted_ml`: its volumes in millilitres.

    Raises:
        ValueError: If the shapes differ or are no volumes, a spacing is not > 0, or a channel has no name.
    """
    predicted, true = np.asarray(prediction), np.asarray(label)
    _check(predicted, true, spacing, tolerance_mm)
    highest = max(predicted.max(initial=0), true.max(initial=0))
    if highest > len(classes):
        raise ValueError(f"channels must be at most {len(classes)}, for {', '.join(classes)}; got {highest}")
    sizes = [np.bincount(volume.ravel().astype(np.int64), minlength=len(classes) + 1) for volume in (predicted, true)]
    boxes = [ndimage.find_objects(volume.astype(np.uint8), len(classes)) for volume in (predicted, true)]
    millilitres = float(np.prod(spacing)) / 1000
    diagonal = float(np.linalg.norm(np.multiply(true.shape, spacing)))
    scores: dict[str, dict[str, Any]] = {}
    for channel, name in enumerate(classes, start=1):
        found, exists = sizes[0][channel] > 0, sizes[1][channel] > 0
        if found and exists:
            box = _around(boxes[0][channel - 1], boxes[1][channel - 1], true.shape)
            values = _overlap(predicted[box] == channel, true[box] == channel, spacing, tolerance_mm)
        else:
            worst = {"dice": 0.0, "hd95_mm": diagonal, "surface_dice": 0.0}
            values = worst if found or exists else dict.fromkeys(worst, float("nan"))
        scores[name] = values | {
            "outcome": _OUTCOMES[bool(exists), bool(found)],
            "label_ml": float(sizes[1][channel]) * millilitres,
            "predicted_ml": float(sizes[0][channel]) * millilitres,
        }
    return scores


def _check(predicted: np.ndarray, true: np.ndarray, spacing: Sequence[float], tolerance_mm: float) -> None:
    if predicted.shape != true.shape or true.ndim != 3 or len(spacing) != 3:
        found = f"{predicted.shape}, {true.shape} and {len(spacing)} spacings"
        raise ValueError(f"two volumes (x, y, z) of one shape and three spacings are needed, got {found}")
    if not all(step > 0 for step in spacing) or tolerance_mm < 0:
        raise ValueError(f"spacings must be > 0 and the tolerance >= 0 mm, got {list(spacing)} and {tolerance_mm}")


def _around(one: tuple[slice, ...], other: tuple[slice, ...], shape: Sequence[int]) -> tuple[slice, ...]:
    """The box that holds both boxes and a margin."""
    return tuple(
        slice(max(0, min(a.start, b.start) - _MARGIN), min(side, max(a.stop, b.stop) + _MARGIN))
        for a, b, side in zip(one, other, shape, strict=True)
    )


def _overlap(found: np.ndarray, there: np.ndarray, spacing: Sequence[float], tolerance_mm: float) -> dict[str, float]:
    """Dice, HD95 and surface Dice of two masks, neither empty."""
    # A volume of one slice is a plane: in space every voxel of it would lie on the outline.
    flat = [axis for axis, side in enumerate(there.shape) if side == 1]
    steps = [float(step) for axis, step in enumerate(spacing) if axis not in flat]
    one, other = (torch.from_numpy(np.ascontiguousarray(mask.squeeze()))[None, None] for mask in (found, there))
    if there.squeeze().ndim < 2:
        raise ValueError(f"a volume has at least two axes longer than 1, got {there.shape}")
    dice = compute_dice(one.float(), other.float(), include_background=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of MONAI's own call of an argument of its own
        hd95 = compute_hausdorff_distance(one, other, include_background=True, percentile=95, spacing=steps)
        surface = compute_surface_dice(
            one.float(), other.float(), [tolerance_mm], include_background=True, spacing=steps
        )
    return {"dice": float(dice), "hd95_mm": float(hd95), "surface_dice": float(surface)}
