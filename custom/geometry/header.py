"""Where a volume lies by its NIfTI header, which may say so twice, in two forms that disagree.

The one rule, for every command: the sform, as the standard and nibabel have it, unless the lengths of its steps
contradict `pixdim`. Then the qform, whose steps are `pixdim` by definition. Without a qform, an sform whose steps are
all 1 has lost them and takes those of `pixdim`; any other sform stands. All lengths are brought to mm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from nibabel.affines import apply_affine, voxel_sizes
from nibabel.spatialimages import HeaderDataError

# How far steps may differ before they contradict each other, as a share: headers are rounded.
_SAME_STEPS = 0.01
# How far apart the two forms may put a corner before that is said, in voxels.
_APART_VOXELS = 0.5
# By the code in the header's lowest three bits; 0 says nothing, and is taken for mm.
_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_UNIT_BITS = 8
_NO_ORIENTATION = "the header states no orientation (its sform and qform codes are 0), so left and right are a guess"


def place(header: Any) -> tuple[np.ndarray, list[str]]:
    """Read where a volume lies.

    Args:
        header: A nibabel header of NIfTI-1 or NIfTI-2.

    Returns:
        The affine (4, 4) from voxels to mm, towards right, front and head; and what is odd, in words. The affine may be
        one that cannot be inverted, where the header has no better.
    """
    unit = int(header["xyzt_units"]) % _UNIT_BITS
    notes = [] if unit in _MM else [f"the header's unit of length ({unit}) is none, and mm were taken"]
    affine, said = _stated(header)
    scale = np.diag([_MM.get(unit, 1.0)] * 3 + [1.0])
    return scale @ affine, notes + said


def _stated(header: Any) -> tuple[np.ndarray, list[str]]:
    """The affine in the header's own unit, with what is odd about the forms."""
    steps = np.abs(np.asarray(header["pixdim"][1:4], dtype=np.float64))
    sform = np.asarray(header.get_sform(), dtype=np.float64) if header["sform_code"] > 0 else None
    qform = _qform(header) if header["qform_code"] > 0 else None
    if sform is None:
        base = np.asarray(header.get_base_affine(), dtype=np.float64)
        return (base, [_NO_ORIENTATION]) if qform is None else (qform, [])
    own = voxel_sizes(sform)
    if not _fits(own, steps):
        # Without the numbers: a summary counts how many volumes have the same to be said of them.
        found = "the sform's voxel size contradicts pixdim"
        if qform is not None:
            return qform, [f"{found}: the qform was taken, which has that of pixdim"]
        if _fits(own, np.ones(3)):
            return sform @ np.diag([*steps / own, 1.0]), [f"{found}: the sform was taken with the size in pixdim"]
        return sform, [f"{found}: the sform was taken"]
    if qform is not None and _apart(sform, qform, header.get_data_shape()[:3]):
        return sform, ["sform and qform put the volume at two places or in two poses: the sform was taken"]
    return sform, []


def _qform(header: Any) -> np.ndarray | None:
    """The qform; None where it is broken."""
    try:
        qform = np.asarray(header.get_qform(), dtype=np.float64)
    except (HeaderDataError, ValueError):
        return None
    usable = np.isfinite(qform).all() and abs(np.linalg.det(qform[:3, :3])) > 0
    return qform if usable else None


def _fits(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two triples of steps are the same up to rounding; nothing contradicts a triple that is no length."""
    if not (np.isfinite(other).all() and (other > 0).all()):
        return True
    return bool(np.isfinite(one).all() and (np.abs(one - other) <= _SAME_STEPS * other).all())


def _apart(one: np.ndarray, other: np.ndarray, shape: tuple[int, ...]) -> bool:
    ends = [(0, length - 1) for length in (*shape, 1, 1)[:3]]
    corners = np.stack(np.meshgrid(*ends), -1).reshape(-1, 3)
    apart = np.linalg.norm(apply_affine(one, corners) - apply_affine(other, corners), axis=1).max()
    return bool(apart > _APART_VOXELS * voxel_sizes(one).min())
