from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monai.data import CacheDataset

from .progress import Steps


class ShownCacheDataset(CacheDataset):
    """MONAI's `CacheDataset`, which says how far it is also where there is no terminal: loading may take minutes.

    Args:
        data: As in `CacheDataset`.
        transform: As in `CacheDataset`.
        thing: What an item is called, in the singular.
    """

    def __init__(self, data: Sequence[Any], transform: Any = None, thing: str = "image") -> None:
        self._steps: Steps | None = Steps(len(data), f"loading {thing}s", thing)
        super().__init__(data, transform, progress=False)
        self._steps.close()
        self._steps = None  # a loader's processes get the dataset, and cannot take a bar

    def _load_cache_item(self, idx: int) -> Any:
        item = super()._load_cache_item(idx)
        if self._steps is not None:
            self._steps.step()
        return item
