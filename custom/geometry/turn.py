"""How the axes of a volume's file lie in the patient, and how they are turned to the pose of a network and back.

Axes: x, y, z of a volume; in a file in any order and direction, upright to the patient's right, front and head (RAS),
as far as turns by right angles can, and with the slices along z.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from nibabel.affines import voxel_sizes
from nibabel.orientations import inv_ornt_aff

# An array, or a tensor: not named here, since torch takes seconds to import, which `prepare` need not pay.
_Voxels = TypeVar("_Voxels")

# A volume was taken in slices along an axis whose step is at least this many times each of the other two.
THICK = 2.0
_ROUNDED = 0.99
# Cosines that differ by less are a tie: headers are rounded.
_TIE = 1e-3
# Slices whose axis has no larger cosine with that of the body follow each other neither up nor down.
_LEVEL = 0.1
# Of the patient's axes, towards right, front and head.
_NAMES = ("left to right", "back to front", "feet to head")


@dataclass(frozen=True)
class Turn:
    """A turn by swaps and flips of axes: no voxel changes its value, and `undo` is its exact inverse.

    Attributes:
        source: For x, y and z of the upright volume, the axis of the file that it is.
        flipped: Whether that axis runs the other way in the file.

    Example:
        >>> turn = Turn.of(np.diag([-1.0, 1.0, 5.0, 1.0]))  # the file's first axis runs to the patient's left
        >>> turn.apply(np.arange(3).reshape(3, 1, 1)).ravel()
        array([2, 1, 0])
    """

    source: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    @classmethod
    def of(cls, affine: Any) -> Turn:
        """The turn that brings a file's axes nearest to RAS, and its slices along z.

        Where one axis has clearly the largest steps (`THICK`), the volume was taken in slices along it, and it becomes
        z, whatever its tilt. Of all right-handed turns that are left, the one with the smallest rotation is taken; of
        several alike, that whose z runs to the right, front or head, then the one that keeps the file's order of axes.

        Args:
            affine: (4, 4) from voxels to mm, towards right, front and head as NIfTI has it; invertible.
        """
        cosines = _cosines(affine)
        thick = slice_axis(affine)
        best, chosen = -np.inf, cls((0, 1, 2), (False, False, False))
        for source in itertools.permutations(range(3)):
            if thick is not None and source[2] != thick:
                continue
            for signs in itertools.product((1, -1), repeat=3):
                turned = cosines[:, source] * signs
                if np.linalg.det(turned) < 0:
                    continue
                fit = float(np.trace(turned)) + _TIE * (turned[:, 2].sum() > 0)
                if fit > best + _TIE / 2:
                    x, y, z = source
                    best, chosen = fit, cls((x, y, z), (signs[0] < 0, signs[1] < 0, signs[2] < 0))
        return chosen

    def apply(self, voxels: _Voxels) -> _Voxels:
        """Turn upright.

        Args:
            voxels: (..., x, y, z) as the file has them, array or tensor.

        Returns:
            The same kind, with the last three axes upright.
        """
        return _flipped(_transposed(voxels, self.source), self.flipped)

    def undo(self, voxels: _Voxels) -> _Voxels:
        """Turn back to the axes of the file.

        Args:
            voxels: (..., x, y, z), upright.

        Returns:
            The same kind, with the last three axes as the file has them.
        """
        back = np.argsort(self.source)
        return _transposed(_flipped(voxels, self.flipped), (int(back[0]), int(back[1]), int(back[2])))

    def affine(self, affine: Any, shape: Any) -> np.ndarray:
        """The affine of what `apply` gives.

        Args:
            affine: That of the file, (4, 4).
            shape: Voxels along the file's axes.
        """
        ornt = np.empty((3, 2))
        ornt[list(self.source), 0] = range(3)
        ornt[list(self.source), 1] = [-1 if flip else 1 for flip in self.flipped]
        return np.asarray(affine, dtype=np.float64) @ inv_ornt_aff(ornt, tuple(shape))


def slice_axis(affine: Any) -> int | None:
    """The axis along which a volume was taken slice by slice: that of the clearly largest steps.

    Args:
        affine: (4, 4), of the file.

    Returns:
        The file's axis; None where no steps are at least `THICK` times both others, so that all axes serve alike.
    """
    steps = voxel_sizes(np.asarray(affine, dtype=np.float64))
    thick = int(np.argmax(steps))
    others = np.delete(steps, thick)
    return thick if steps[thick] >= _ROUNDED * THICK * others.max() else None


def tilt_note(affine: Any) -> str:
    """What is to be said of thick slices that are not nearly axial, in words; empty where they are.

    Args:
        affine: (4, 4), of the file.
    """
    thick = slice_axis(affine)
    if thick is None:
        return ""
    along = np.abs(_cosines(affine)[:, thick])
    nearest = int(np.argmax(along))
    if along[2] >= along[nearest] - _TIE:
        return ""
    said = f"the thick slices follow each other {_NAMES[nearest]}, not feet to head: they are cut as they are"
    return said if along[2] > _LEVEL else f"{said}, and which end comes first is a guess"


def _cosines(affine: Any) -> np.ndarray:
    """Directions of the file's axes in the patient, in columns, without shears and steps."""
    linear = np.asarray(affine, dtype=np.float64)[:3, :3]
    left, _, right = np.linalg.svd(linear / voxel_sizes(np.asarray(affine, dtype=np.float64)))
    return left @ right


def _transposed(voxels: Any, source: tuple[int, int, int]) -> Any:
    lead = voxels.ndim - 3
    order = (*range(lead), *(lead + axis for axis in source))
    return voxels.transpose(order) if isinstance(voxels, np.ndarray) else voxels.permute(order)


def _flipped(voxels: Any, flipped: tuple[bool, bool, bool]) -> Any:
    axes = [axis - 3 for axis, flip in enumerate(flipped) if flip]
    return np.flip(voxels, tuple(axes)) if isinstance(voxels, np.ndarray) else voxels.flip(axes)
