"""Intensities of any scanner to [0, 1]."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform

from ...targets.organ_task import TaskTable, intensity_range
from ..plain import plain


class ScaleByTaskd(MapTransform):
    """Scale a volume as its task says, and cut it at 0 and 1.

    `window_hu`: those HU become 0 and 1. `percentiles`: those of the whole volume do, since the scale of MR is
    arbitrary. A volume of one value becomes 0, and so does a voxel that is no number (some programs leave such where
    they had nothing to resample).

    Args:
        keys: Volumes, of any shape; keys that an item lacks are passed over.
        tasks: The task table: name to `intensity` among others.

    Example:
        >>> tasks = {"ct": {"intensity": {"window_hu": [-125, 275]}}}
        >>> ScaleByTaskd("image", tasks)({"image": torch.tensor([-1000.0, 75.0, 275.0]), "task": "ct"})["image"]
        tensor([0.0000, 0.5000, 1.0000])
    """

    def __init__(self, keys: KeysCollection, tasks: TaskTable) -> None:
        super().__init__(keys, allow_missing_keys=True)
        self.tasks = tasks

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the item with float32 volumes, metadata kept."""
        item = dict(data)
        intensity = self.tasks[item["task"]]["intensity"]
        for key in self.key_iterator(item):
            low, high = intensity_range(plain(item[key]).cpu().numpy(), intensity)
            scale = 1 / (high - low) if high > low else 0.0
            scaled = ((item[key].float() - low) * scale).clamp(0, 1)
            item[key] = scaled.nan_to_num(0.0)
        return item
