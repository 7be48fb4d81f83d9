"""One image with its mask, decoded and held against each other."""

import hashlib
from dataclasses import dataclass

import numpy as np

from ...checks import RequestError
from ...targets import instance_ids
from ..images import DecodedImage, decode_image, decode_mask
from ..record import Record
from . import qupath


@dataclass(frozen=True)
class Pair:
    """What one decoded image and its mask are.

    Args:
        image: The decoded image, (h, w, 3).
        instances: (h, w) int32 ids from 1 without gaps, 0 for background; None for an image without a mask.
        notes: What was converted or is odd, in words.
    """

    image: DecodedImage
    instances: np.ndarray | None
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A hash of the pixels, the same for one picture in two file formats."""
        rgb = self.image.rgb
        return hashlib.sha256(str(rgb.shape).encode() + rgb.tobytes()).hexdigest()

    @property
    def glands(self) -> int:
        """Number of instances; 0 without a mask."""
        return 0 if self.instances is None else int(self.instances.max())

    @property
    def histogram(self) -> np.ndarray:
        """(3, 256) counts of each value in each channel: exact sums whatever the number of images."""
        return np.stack([np.bincount(self.image.rgb[..., channel].ravel(), minlength=256) for channel in range(3)])


def load_pair(record: Record) -> Pair:
    """Decode a record.

    Args:
        record: Its label may be an image or QuPath GeoJSON.

    Returns:
        The pair.

    Raises:
        RequestError: Either file cannot be used, or their sizes differ.
    """
    image = decode_image(record.image)
    notes = [f"{record.image}: {image.note}"] if image.note else []
    if record.label is None:
        return Pair(image, None, tuple(notes))
    height, width = image.rgb.shape[:2]
    if record.label.suffix in qupath.SUFFIXES:
        values, remarks = qupath.rasterise(record.label, (height, width))
        notes += [f"{record.label}: {remark}" for remark in remarks]
    else:
        values = decode_mask(record.label)
    if values.shape != (height, width):
        found = f"{values.shape[1]} x {values.shape[0]}"
        raise RequestError(f"{record.label}: found {found} pixels, wanted {width} x {height} as {record.image} has")
    instances = instance_ids(values)
    if instances.min() > 0 and instances.max() > 1:
        notes.append(f"{record.label}: no pixel is 0 (background); each value is taken for a gland")
    if instances.max() > np.iinfo(np.uint16).max:
        raise RequestError(f"{record.label}: found {instances.max()} glands, wanted at most 65535")
    return Pair(image, instances, tuple(notes))
