"""Label ids to the channels of a head."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform

from ...checks import RequestError
from ...targets.organ_task import HeadTask, channels
from ..plain import plain


class LabelChannelsd(MapTransform):
    """Number the ids of a label volume as the channels of its head: 0 background, then the task's ids, ascending.

    Args:
        keys: Label volumes, of any shape and type; keys that an item lacks are passed over.
        tasks: The task table: name to `labels` (id to organ) among others.

    Example:
        >>> tasks = {"btcv": {"labels": {"3": "left kidney", "8": "aorta"}}}
        >>> LabelChannelsd("label", tasks)({"label": torch.tensor([0.0, 8.0, 3.0]), "task": "btcv"})["label"]
        tensor([0, 2, 1], dtype=torch.uint8)
    """

    def __init__(self, keys: KeysCollection, tasks: Mapping[str, HeadTask]) -> None:
        super().__init__(keys, allow_missing_keys=True)
        # 255 where an id is not declared; a head has at most 254 organs
        self.tables: dict[str, np.ndarray] = {}
        for name, task in tasks.items():
            numbers = channels(task)
            table = np.full(max(numbers) + 1, 255, np.uint8)
            table[list(numbers)] = list(numbers.values())
            self.tables[name] = table

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the item with uint8 labels, metadata kept.

        Raises:
            RequestError: A label holds an id that is not declared; names file and value.
        """
        item = dict(data)
        table = self.tables[item["task"]]
        for key in self.key_iterator(item):
            values = plain(item[key]).cpu().numpy()
            # What cannot be an index becomes one that is not declared.
            within = (values >= 0) & (values < len(table))
            channels = np.where(within, table[np.where(within, values, 0).astype(np.int64)], 255).astype(np.uint8)
            if values.dtype.kind == "f":
                channels[values != np.round(values)] = 255
            if (channels == 255).any():
                self._refuse(item, key, values[channels == 255].flat[0])
            result = torch.from_numpy(channels)
            if isinstance(item[key], MetaTensor):
                item[key] = MetaTensor(result, meta=dict(item[key].meta))
            else:
                item[key] = result
        return item

    def _refuse(self, item: Mapping[Hashable, Any], key: Hashable, value: float) -> None:
        file = getattr(item[key], "meta", {}).get("filename_or_obj", key)
        wanted = ", ".join(map(str, np.flatnonzero(self.tables[item["task"]] != 255)))
        raise RequestError(f"{file}: found the value {value:.8g}, wanted the ids of {item['task']}: {wanted}")
