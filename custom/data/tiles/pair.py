"""One image with its mask, decoded and held against each other."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...checks import RequestError
from ...targets import instance_ids
from ..images import DecodedImage, decode_image
from ..masks import DecodedMask, decode_mask, whole
from ..record import Record
from ..source_file import SourceFile
from . import qupath
from .classes import NO_CLASSES, Classes
from .mask_rule import gland_ids


@dataclass(frozen=True)
class Pair:
    """What one decoded image and its mask are.

    Args:
        image: The decoded image, (h, w, 3).
        instances: (h, w) int32 ids from 1 without gaps, 0 for background; None for an image without a mask.
        notes: What was converted or is odd, in words.
        classes: How many outlines each class has, by its name; of a mask image each value, where values were chosen.
    """

    image: DecodedImage
    instances: np.ndarray | None
    notes: tuple[str, ...] = ()
    classes: Mapping[str, int] = field(default_factory=dict)

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


def load_pair(record: Record, classes: Classes = NO_CLASSES, prepared: bool = False) -> Pair:
    """Decode a record.

    Args:
        record: Its label may be an image or QuPath GeoJSON.
        classes: What is a gland, where the user said so.
        prepared: Whether the label holds the ids that `prepare` wrote, so that nothing is to be guessed.

    Returns:
        The pair.

    Raises:
        RequestError: Either file cannot be used, or their sizes differ.
    """
    image = decode_image(record.image)
    notes = [f"{record.image}: {image.note}"] if image.note else []
    if record.label is None:
        return Pair(image, None, tuple(notes))
    shape = (image.rgb.shape[0], image.rgb.shape[1])
    found: Mapping[str, int] = {}
    if record.label.suffix in qupath.SUFFIXES:
        instances, remarks, found = qupath.rasterise(record.label, shape, classes)
    else:
        mask = _decode(record, record.label, shape)
        if prepared:
            instances, remarks = instance_ids(whole(record.label, mask.values)), []
        else:
            instances, remarks, found = gland_ids(record.label, mask, classes)
    if instances.max() > np.iinfo(np.uint16).max:
        raise RequestError(f"{record.label}: found {instances.max()} glands, wanted at most 65535")
    notes += [f"{record.label}: {remark}" for remark in remarks]
    return Pair(image, instances, tuple(notes), found)


def _decode(record: Record, label: SourceFile, shape: tuple[int, int]) -> DecodedMask:
    mask = decode_mask(label)
    if mask.values.shape != shape:
        found = f"{mask.values.shape[1]} x {mask.values.shape[0]}"
        raise RequestError(f"{label}: found {found} pixels, wanted {shape[1]} x {shape[0]} as {record.image} has")
    return mask
