"""How the axes of a volume's file lie in the patient, and how they are turned there and back.

Axes: x, y, z of a volume; in a file in any order and direction, in RAS to the patient's right, front and head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from nibabel.orientations import inv_ornt_aff, io_orientation

# An array, or a tensor: not named here, since torch takes seconds to import, which `prepare` need not pay.
_Voxels = TypeVar("_Voxels")


@dataclass(frozen=True)
class Turn:
    """A turn to RAS by swaps and flips of axes: no voxel changes its value, and `undo` is its exact inverse.

    Attributes:
        source: For x, y and z in RAS, the axis of the file that it is.
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
        """The turn that brings a file's axes as near to RAS as turns by right angles can.

        Args:
            affine: (4, 4) from voxels to mm, towards right, front and head as NIfTI has it; invertible.
        """
        target, sign = io_orientation(np.asarray(affine, dtype=np.float64)).T
        source = np.argsort(target)
        x, y, z = (int(axis) for axis in source)
        return cls((x, y, z), (bool(sign[x] < 0), bool(sign[y] < 0), bool(sign[z] < 0)))

    def apply(self, voxels: _Voxels) -> _Voxels:
        """Turn to RAS.

        Args:
            voxels: (..., x, y, z) as the file has them, array or tensor.

        Returns:
            The same kind, with the last three axes in RAS.
        """
        return _flipped(_transposed(voxels, self.source), self.flipped)

    def undo(self, voxels: _Voxels) -> _Voxels:
        """Turn back to the axes of the file.

        Args:
            voxels: (..., x, y, z) in RAS.

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


def _transposed(voxels: Any, source: tuple[int, int, int]) -> Any:
    lead = voxels.ndim - 3
    order = (*range(lead), *(lead + axis for axis in source))
    return voxels.transpose(order) if isinstance(voxels, np.ndarray) else voxels.permute(order)


def _flipped(voxels: Any, flipped: tuple[bool, bool, bool]) -> Any:
    axes = [axis - 3 for axis, flip in enumerate(flipped) if flip]
    return np.flip(voxels, tuple(axes)) if isinstance(voxels, np.ndarray) else voxels.flip(axes)
