"""Decode a volume with its label and hold them against each other. Axes: x, y, z as in the file, any orientation."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Collection
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from ...checks import RequestError
from ...geometry.turn import Turn
from ..images import decode_grey
from ..masks import DecodedMask, decode_ids
from ..record import Record
from ..source_file import SourceFile
from .layout import VOLUME_SUFFIXES

_KINDS = {348: nib.Nifti1Image, 540: nib.Nifti2Image}  # by the header's first number, its own size
_BYTES_OF_A_SIZE = 4
# How far a corner may lie from where the image has it, in voxels: headers are rounded.
_APART_VOXELS = 0.1
_AT_ONCE = 1 << 20
_NO_ORIENTATION = "the header states no orientation (its sform and qform codes are 0), so left and right are a guess"


@dataclass(frozen=True)
class Volume:
    """One volume.

    Args:
        values: (x, y, z), as in the file.
        affine: (4, 4) from voxels to mm, towards the patient's right, front and head (RAS).
        note: What is odd, in words; empty where nothing is.
    """

    values: np.ndarray
    affine: np.ndarray
    note: str = ""

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Size of a voxel in mm, along the file's axes."""
        x, y, z = nib.affines.voxel_sizes(self.affine)
        return float(x), float(y), float(z)

    def upright(self) -> Volume:
        """The same volume with its axes towards right, front and head, as far as turns by 90 degrees go."""
        turn = Turn.of(self.affine)
        values, affine = turn.apply(self.values), turn.affine(self.affine, self.values.shape)
        return Volume(values, affine, self.note)


@dataclass(frozen=True)
class VolumePair:
    """A volume with its label.

    Args:
        image: The image.
        label: Ids, in the image's grid; None for an unlabelled image.
    """

    image: Volume
    label: Volume | None

    @property
    def digest(self) -> str:
        """A hash of the image's voxels."""
        values = np.ascontiguousarray(self.image.values.T)
        digest = hashlib.sha256(f"{values.shape} {values.dtype}".encode())
        digest.update(values.data)
        return digest.hexdigest()


def load_volumes(record: Record, labels: Collection[int], spacing: tuple[float, float]) -> VolumePair:
    """Decode a record.

    Args:
        record: NIfTI files, or pictures of one slice each.
        labels: The ids declared.
        spacing: Of pictures, in mm; NIfTI files state their own.

    Returns:
        The pair.

    Raises:
        RequestError: Either file cannot be used, their grids differ, or the label holds an id that is not declared.
    """
    image = _decode(record.image, spacing, is_label=False)
    if not np.isfinite(image.values).all():
        number = int((~np.isfinite(image.values)).sum())
        raise RequestError(f"{record.image}: found {number} voxels that are no numbers, wanted none")
    if record.label is None:
        return VolumePair(image, None)
    label = _decode(record.label, spacing, is_label=True)
    _check_grids(record, image, label)
    counts = count_ids(label.values)
    if unknown := sorted(set(counts) - {0, *labels}):
        number = counts[unknown[0]]
        more = f" and {len(unknown) - 1} other values" if len(unknown) > 1 else ""
        wanted = f"wanted the declared ids 0, {', '.join(map(str, sorted(labels)))}"
        raise RequestError(f"{record.label}: found the value {unknown[0]} in {number} voxels{more}, {wanted}")
    return VolumePair(image, label)


def is_picture(record: Record) -> bool:
    """Whether a record is one slice in a picture file."""
    return record.image.suffix not in VOLUME_SUFFIXES


def count_ids(values: np.ndarray) -> dict[int, int]:
    """How many voxels each value has; far quicker than sorting the volume.

    Args:
        values: Whole numbers, of any shape.

    Returns:
        Value to number of voxels, ascending.
    """
    flat = values.ravel(order="K")
    if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        found, numbers = np.unique(flat, return_counts=True)
        return dict(zip(found.tolist(), numbers.tolist(), strict=True))
    total = np.zeros(int(values.max()) + 1, np.int64)
    for start in range(0, flat.size, _AT_ONCE):  # bincount makes eight bytes of each voxel
        total += np.bincount(flat[start : start + _AT_ONCE], minlength=total.size)
    return {int(value): int(total[value]) for value in np.flatnonzero(total)}


def _decode(file: SourceFile, spacing: tuple[float, float], is_label: bool) -> Volume:
    if file.suffix not in VOLUME_SUFFIXES:
        picture = decode_ids(file) if is_label else DecodedMask(decode_grey(file))
        # Shown the radiological way: columns run to the patient's left, rows to the back.
        affine = np.diag([-spacing[0], -spacing[1], 1.0, 1.0])
        return Volume(picture.values.T[..., None], affine, "; ".join(picture.notes))
    image = _nifti(file)
    try:
        values = np.asanyarray(image.dataobj)
    except (OSError, ValueError, EOFError) as error:
        raise RequestError(f"{file}: broken or truncated volume ({_line(error)}); get it again") from error
    if values.dtype.kind not in "iuf":
        raise RequestError(f"{file}: found voxels of the type {values.dtype}, wanted one number each")
    if is_label:
        values = _ids(file, values)
    elif values.dtype == np.float64:  # what the header's slope makes of integers
        values = values.astype(np.float32)
    header = image.header
    stated = header["sform_code"] > 0 or header["qform_code"] > 0
    return Volume(values, image.affine, "" if stated else _NO_ORIENTATION)


def _nifti(file: SourceFile) -> nib.Nifti1Image:
    content = file.read()
    try:
        if file.suffix.endswith(".gz"):
            content = gzip.decompress(content)
        size = content[:_BYTES_OF_A_SIZE]
        kind = next((_KINDS[n] for n in _KINDS if n in (int.from_bytes(size, o) for o in ("little", "big"))), None)  # type: ignore[arg-type]
        if kind is None:
            raise RequestError(f"{file}: not a NIfTI volume, wanted one that starts with its header")
        image = kind.from_bytes(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RequestError(f"{file}: broken or truncated ({error}); get it again") from error
    except (ImageFileError, HeaderDataError, OSError, ValueError) as error:
        raise RequestError(f"{file}: not a NIfTI volume that can be read ({_line(error)})") from error
    if len(image.shape) != 3 or min(image.shape) < 1:
        raise RequestError(f"{file}: found {_size(image.shape)} voxels, wanted three axes")
    if not np.isfinite(image.affine).all() or abs(np.linalg.det(image.affine[:3, :3])) < 1e-9:
        raise RequestError(
            f"{file}: found the affine {image.affine.round(3).tolist()}, wanted one that can be inverted"
        )
    return image


def _ids(file: SourceFile, values: np.ndarray) -> np.ndarray:
    """Whole numbers, whatever the file's type: some owners save ids as float32."""
    if values.dtype.kind != "f":
        return values
    whole = (np.round(values) == values) & (np.abs(values) < 2**31)
    if not whole.all():
        odd = values[~whole].flat[0]
        raise RequestError(f"{file}: found the value {odd:g}, wanted whole numbers as ids")
    return values.astype(np.int32)


def _check_grids(record: Record, image: Volume, label: Volume) -> None:
    shape = image.values.shape
    if label.values.shape != shape:
        found = f"found {_size(label.values.shape)} voxels"
        raise RequestError(f"{record.label}: {found}, wanted {_size(shape)} as {record.image} has")
    corners = np.stack(np.meshgrid(*[(0, length - 1) for length in shape]), -1).reshape(-1, 3)
    places = [nib.affines.apply_affine(volume.affine, corners) for volume in (image, label)]
    apart = float(np.linalg.norm(places[0] - places[1], axis=1).max())
    if apart > _APART_VOXELS * min(image.spacing):
        wanted = f"wanted {_place(image)} as {record.image} has ({apart:.3g} mm apart)"
        raise RequestError(f"{record.label}: found {_place(label)}, {wanted}")


def _place(volume: Volume) -> str:
    axes = "".join(nib.orientations.aff2axcodes(volume.affine))
    spacing = " x ".join(f"{length:.4g}" for length in volume.spacing)
    origin = ", ".join(f"{length:.2f}" for length in volume.affine[:3, 3])
    return f"axes {axes}, {spacing} mm, the first voxel at ({origin})"


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
