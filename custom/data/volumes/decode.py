"""Decode one volume or one label: the only reader, for prepare, training, evaluation and inference alike.

Axes: x, y, z as in the file, any orientation.
"""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np

from ...checks import RequestError
from ...geometry.header import place
from ...geometry.turn import Turn, tilt_note
from ..images import decode_grey
from ..masks import decode_ids
from ..source_file import SourceFile
from .layout import VOLUME_SUFFIXES
from .nifti import open_nifti, size, voxels

# What a voxel and a whole volume may measure: whatever is beyond has lost its unit or a decimal point.
STEPS_MM = (0.001, 100.0)
MOST_MM = 3000.0
# How far an id may lie from a whole number: what a header's slope makes of 3 may be 2.9999998.
_ID_OFF = 1e-3
_MOST_ID = 2**31


@dataclass(frozen=True)
class Volume:
    """One volume.

    Args:
        values: (x, y, z), as in the file.
        affine: (4, 4) from voxels to mm, towards the patient's right, front and head (RAS).
        notes: What is odd, in words.
    """

    values: np.ndarray
    affine: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Size of a voxel in mm, along the file's axes."""
        x, y, z = nib.affines.voxel_sizes(self.affine)
        return float(x), float(y), float(z)

    def upright(self) -> Volume:
        """The same volume in the pose that a network sees it in, as `Turn` says."""
        turn = Turn.of(self.affine)
        return Volume(turn.apply(self.values), turn.affine(self.affine, self.values.shape), self.notes)


def is_volume(file: SourceFile) -> bool:
    """Whether a file is a volume by its name, and no picture of one slice."""
    return file.suffix in VOLUME_SUFFIXES


def decode(file: SourceFile, spacing: tuple[float, float], is_label: bool = False) -> Volume:
    """Decode a volume, or a picture as a volume of one slice.

    Args:
        file: NIfTI, or a picture.
        spacing: Of a picture's pixels, in mm; NIfTI files state their own.
        is_label: Whether it holds ids; they are whole numbers then.

    Returns:
        The volume. Voxels of an image that are no numbers have the lowest value of the others, with a note.

    Raises:
        RequestError: The file cannot be used; names it, what was found and what was wanted.
    """
    if not is_volume(file):
        return _picture(file, spacing, is_label)
    image = open_nifti(file)
    affine, notes = place(image.header)
    _check_place(file, affine, image.shape[:3])
    if is_label:
        return Volume(_ids(file, voxels(file, image)), affine, tuple(notes))
    values, odd = _numbers(file, voxels(file, image))
    return Volume(values, affine, (*notes, *odd, *filter(None, [tilt_note(affine)])))


def _picture(file: SourceFile, spacing: tuple[float, float], is_label: bool) -> Volume:
    """Shown the radiological way: columns run to the patient's left, rows to the back."""
    if is_label:
        mask = decode_ids(file)
        values, notes = mask.values, list(mask.notes)
    else:
        values, notes = _numbers(file, decode_grey(file))
    return Volume(values.T[..., None], np.diag([-spacing[0], -spacing[1], 1.0, 1.0]), tuple(notes))


def _check_place(file: SourceFile, affine: np.ndarray, shape: tuple[int, ...]) -> None:
    # By its lengths, not its volume alone: a voxel of 1 micron has a determinant of 1e-9.
    steps = nib.affines.voxel_sizes(affine)
    if not np.isfinite(affine).all() or not (steps > 0).all() or abs(np.linalg.det(affine[:3, :3] / steps)) < 1e-3:
        raise RequestError(f"{file}: found the affine {affine.round(3).tolist()}, wanted one that can be inverted")
    low, high = STEPS_MM
    if not ((steps >= low) & (steps <= high)).all() or (steps * shape).max() > MOST_MM:
        found = " x ".join(f"{length:.4g}" for length in steps)
        wanted = f"wanted {low} to {high:g} mm a voxel and at most {MOST_MM / 1000:g} m in all"
        raise RequestError(
            f"{file}: found {size(shape)} voxels of {found} mm, {wanted}: mend the header's unit or size"
        )


def _numbers(file: SourceFile, values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Voxels that float32 holds, with a note of those that are no numbers."""
    if values.dtype.kind != "f":
        return values, []
    with np.errstate(over="ignore"):
        values = values.astype(np.float32, copy=False)  # float64: what the header's slope makes of integers
    finite = np.isfinite(values)
    if finite.all():
        return values, []
    if not finite.any():
        raise RequestError(f"{file}: found no voxel that is a number, wanted a volume")
    filled = np.where(finite, values, values[finite].min())
    return filled, ["some voxels are no numbers: the lowest value was taken for them"]


def _ids(file: SourceFile, values: np.ndarray) -> np.ndarray:
    """Whole numbers, whatever the file's type: some owners save ids as floats, and some slopes round."""
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = (np.abs(np.round(values) - values) <= _ID_OFF) & (np.abs(values) < _MOST_ID)
        if not whole.all():
            raise RequestError(f"{file}: found the value {values[~whole].flat[0]:.8g}, wanted whole numbers as ids")
        return np.round(values).astype(np.int32)
    if values.dtype.itemsize > 4 or values.dtype == np.uint32:
        if values.max() >= _MOST_ID or values.min() < -_MOST_ID:
            odd = values[np.abs(values.astype(np.float64)) >= _MOST_ID].flat[0]
            raise RequestError(f"{file}: found the value {odd}, wanted ids below {_MOST_ID}")
        return values.astype(np.int32)
    return values
