"""Pictures and NIfTI files alike as volumes. Axes: c channels, x, y, z."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform

from ...checks import RequestError
from ...targets.organ_task import TaskTable
from ..plain import plain


class AsVolumed(MapTransform):
    """Make a picture a volume of one slice, right after `LoadImaged` with `ensure_channel_first`; leave a volume as is.

    The picture is taken to be shown as radiologists see slices: its columns run to the patient's left, its rows to the
    back. Its pixels have the task's spacing, and the slice is 1 mm thick. Of a grey picture saved in colours one
    channel stays.

    Args:
        keys: What was loaded; keys that an item lacks are passed over.
        tasks: The task table: name to `spacing` (mm, in plane) among others.

    Example:
        >>> item = {"image": MetaTensor(torch.rand(1, 8, 6)), "task": "a"}
        >>> tuple(AsVolumed("image", {"a": {"spacing": [2.0, 2.0]}})(item)["image"].shape)
        (1, 8, 6, 1)
    """

    def __init__(self, keys: KeysCollection, tasks: TaskTable) -> None:
        super().__init__(keys, allow_missing_keys=True)
        self.tasks = tasks

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the item with volumes (1, x, y, z).

        Raises:
            RequestError: A file holds something else, such as several volumes.
        """
        item = dict(data)
        for key in self.key_iterator(item):
            if item[key].ndim == 3:
                item[key] = self._volume(item[key], self.tasks[item["task"]]["spacing"])
            elif item[key].ndim != 4 or item[key].shape[0] != 1:
                file = getattr(item[key], "meta", {}).get("filename_or_obj", key)
                found = " x ".join(map(str, item[key].shape[1:]))
                raise RequestError(f"{file}: found {item[key].shape[0]} channels of {found} voxels, wanted one volume")
        return item

    def _volume(self, picture: torch.Tensor, spacing: list[float]) -> MetaTensor:
        affine = torch.diag(torch.tensor([-spacing[0], -spacing[1], 1.0, 1.0], dtype=torch.float64))
        meta = dict(picture.meta) if isinstance(picture, MetaTensor) else {}
        meta |= {"affine": affine, "original_affine": affine.clone(), "spatial_shape": [*picture.shape[1:], 1]}
        return MetaTensor(plain(picture)[:1, ..., None], meta=meta)
