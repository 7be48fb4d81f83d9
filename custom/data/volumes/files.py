"""A volume with its label, held against each other. Axes: x, y, z as in the file, any orientation."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

import nibabel as nib
import numpy as np

from ...checks import RequestError
from ...geometry.turn import Turn
from ..record import Record
from ..source_file import SourceFile
from .decode import Volume, decode, is_volume
from .nifti import size

# How far a corner may lie from where the image has it, in voxels: headers are rounded.
_APART_VOXELS = 0.1
_AT_ONCE = 1 << 20
# A slice may have this many pixels in the file, and this many as the network sees it: what is larger is a mistake, and
# would fill the memory.
_MOST_OWN_PX, _MOST_SEEN_PX = 4096**2, 2048**2


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
        """A hash of the image's voxels, the same for any type and any order of the axes in a file."""
        values = self.image.upright().values
        digest = hashlib.sha256(f"{values.shape}".encode())
        for plane in values:  # a volume of floats may be twice what is in memory now
            # Adding 0 makes -0 the same as 0.
            digest.update((plane.astype("<f4") + np.float32(0)).tobytes())
        return digest.hexdigest()


def load_volumes(record: Record, labels: Collection[int], spacing: tuple[float, float]) -> VolumePair:
    """Decode a record.

    Args:
        record: NIfTI files, or pictures of one slice each.
        labels: The ids declared.
        spacing: Of a slice as the network sees it, in mm; also of pictures, while NIfTI files state their own.

    Returns:
        The pair.

    Raises:
        RequestError: Either file cannot be used, their grids differ, or the label holds an id that is not declared.
    """
    image = decode(record.image, spacing)
    check_slices(record.image, image, spacing)
    if record.label is None:
        return VolumePair(image, None)
    label = decode(record.label, spacing, is_label=True)
    _check_grids(record, image, label)
    counts = count_ids(label.values)
    if unknown := sorted(set(counts) - {0, *labels}):
        number = counts[unknown[0]]
        more = f" and {len(unknown) - 1} other values" if len(unknown) > 1 else ""
        wanted = f"wanted the declared ids 0, {', '.join(map(str, sorted(labels)))}"
        raise RequestError(f"{record.label}: found the value {unknown[0]} in {number} voxels{more}, {wanted}")
    return VolumePair(image, label)


def check_slices(file: SourceFile, image: Volume, spacing: tuple[float, float]) -> None:
    """Refuse slices that would fill the memory.

    Args:
        file: For the message.
        image: The volume.
        spacing: At which the network sees its slices, in mm.

    Raises:
        RequestError: They are too large, in the file or as the network sees them.
    """
    turn = Turn.of(image.affine)
    sides = [(image.values.shape[axis], image.spacing[axis]) for axis in turn.source[:2]]
    own = [length for length, _ in sides]
    seen = [max(1, round(length * step / wanted)) for (length, step), wanted in zip(sides, spacing, strict=True)]
    for pixels, most, where in (
        (own, _MOST_OWN_PX, "in the file"),
        (seen, _MOST_SEEN_PX, f"at {spacing[0]:g} x {spacing[1]:g} mm"),
    ):
        if pixels[0] * pixels[1] > most:
            found = f"found slices of {size(tuple(pixels))} pixels {where}"
            raise RequestError(f"{file}: {found}, wanted at most {most} pixels: is the size of a voxel right?")


def is_picture(record: Record) -> bool:
    """Whether a record is one slice in a picture file."""
    return not is_volume(record.image)


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


def _check_grids(record: Record, image: Volume, label: Volume) -> None:
    shape = image.values.shape
    if label.values.shape != shape:
        found = f"found {size(label.values.shape)} voxels"
        raise RequestError(f"{record.label}: {found}, wanted {size(shape)} as {record.image} has")
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
