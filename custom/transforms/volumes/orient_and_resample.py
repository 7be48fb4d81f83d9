"""Volumes as training sees them. Axes: c channels, x, y, z; upright afterwards, as `geometry.turn` says."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform

from ...geometry.resize import resize
from ...geometry.volume import slice_size, to_ras
from ...targets.organ_task import TaskTable
from ..plain import plain


class OrientAndResampled(MapTransform):
    """Turn volumes upright and bring their slices to the task's spacing; slices stay as thick and as many as they are.

    All volumes of an item are turned and resampled as the first of them, so that a voxel stays beside its label
    whatever the label's own header says: `prepare` and the check before a training see to it that the two lie at one
    place. The field of view stays, so the spacing is met to within half a pixel over a slice. Images are bilinear,
    with a low-pass filter where they shrink; labels take the nearest voxel's.

    Args:
        keys: Volumes (1, x, y, z) with their affine, the image first; keys that an item lacks are passed over.
        tasks: The task table: name to `spacing` (mm, in plane) among others.
        label_keys: Those of the keys that hold classes.

    Example:
        >>> volume = MetaTensor(torch.rand(1, 40, 30, 5), affine=torch.diag(torch.tensor([-1.0, -1.0, 5.0, 1.0])))
        >>> item = {"image": volume, "task": "a"}
        >>> tuple(OrientAndResampled("image", {"a": {"spacing": [2.0, 2.0]}})(item)["image"].shape)
        (1, 20, 15, 5)
    """

    def __init__(self, keys: KeysCollection, tasks: TaskTable, label_keys: Sequence[str] = ("label",)) -> None:
        super().__init__(keys, allow_missing_keys=True)
        self.tasks = tasks
        self.label_keys = tuple(label_keys)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the item with plain tensors: image float32, label in its own type.

        Raises:
            ValueError: A volume is not (1, x, y, z), has no affine, or is not as large as the first.
        """
        item = dict(data)
        wanted = self.tasks[item["task"]]["spacing"]
        affine: torch.Tensor | None = None
        shape = torch.Size()
        for key in self.key_iterator(item):
            volume = item[key]
            if not isinstance(volume, MetaTensor) or volume.ndim != 4 or volume.shape[0] != 1:
                found = f"{type(volume).__name__} of shape {tuple(volume.shape)}"
                raise ValueError(f"{key}: got a {found}, wanted a MetaTensor (1, x, y, z)")
            if affine is None:
                affine, shape = volume.affine, volume.shape
            if volume.shape != shape:
                raise ValueError(f"{key}: got the shape {tuple(volume.shape)}, wanted {tuple(shape)} as the image has")
            turned = to_ras(volume, affine)
            item[key] = _resized(plain(turned), slice_size(turned, wanted), key in self.label_keys)
        return item


def _resized(volume: torch.Tensor, size: Sequence[int], is_label: bool) -> torch.Tensor:
    """(1, x, y, z) -> (1, *size, z); the slices are the batch."""
    slices = volume.permute(3, 0, 1, 2)
    slices = F.interpolate(slices, size=list(size), mode="nearest-exact") if is_label else resize(slices.float(), size)
    return slices.permute(1, 2, 3, 0).contiguous()
