"""A random slice of a volume with its neighbours. Axes: c channels, x, y, z; n voxels."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.transforms import Randomizable, Transform

from ..plain import plain
from .class_voxels import ClassVoxelsd


class RandSliced(Randomizable, Transform):
    """Draw one of the classes in a volume, background included, then one of its voxels, and cut a square around it.

    So a small organ is shown as often as a large one. Some draws take any voxel instead: a network that hardly sees
    the slices above and below all organs, half of a CT, finds organs there. The voxel lies up to `jitter` off the
    centre of the square, which stays within the slice; where it is larger it holds the whole slice at a random place,
    with zeros around it. The image's three channels are the slices below, at and above the voxel (towards the feet,
    towards the head), the last one repeated at the ends. Reads `class_voxels` (`ClassVoxelsd`), and leaves it out of
    the result. Nothing of the item is changed in place: `CacheDataset(copy_cache=False)` saves a copy of the volume at
    each draw.

    Args:
        tasks: The task table, whose order numbers the tasks.
        size: Pixels of a side of the square.
        jitter: Largest offset of the voxel from the centre, as a fraction of the side, in [0, 0.5).
        anywhere: Fraction of the draws that take any voxel of the volume, whatever its class, in [0, 1].
        image: Key of the volume (1, x, y, z).
        label: Key of its classes (1, x, y, z); may be absent.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> item = {"image": torch.rand(1, 9, 9, 4), "label": torch.ones(1, 9, 9, 4, dtype=torch.uint8), "task": "a"}
        >>> cut = RandSliced({"a": {}}, 6).set_random_state(0)(ClassVoxelsd()(item))
        >>> tuple(cut["image"].shape), tuple(cut["label"].shape), cut["task_id"]
        ((3, 6, 6), (1, 6, 6), 0)
    """

    def __init__(
        self,
        tasks: Mapping[str, Any],
        size: int,
        jitter: float = 0.25,
        anywhere: float = 0.0,
        image: str = "image",
        label: str = "label",
    ) -> None:
        if size < 1:
            raise ValueError(f"size: got {size}, wanted >= 1")
        if not 0 <= jitter < 0.5:
            raise ValueError(f"jitter: got {jitter}, wanted within [0, 0.5)")
        if not 0 <= anywhere <= 1:
            raise ValueError(f"anywhere: got {anywhere}, wanted within [0, 1]")
        self.task_ids = {name: index for index, name in enumerate(tasks)}
        self.size, self.image, self.label = size, image, label
        self.jitter_px, self.anywhere = int(jitter * size), anywhere
        self.voxel = (0, 0, 0)
        self.jitter_xy = (0, 0)

    def randomize(self, data: tuple[Sequence[np.ndarray], Sequence[int]]) -> None:
        """Draw a class and a voxel of it, or any voxel, and the jitter; the same number of draws whatever the volume.

        Args:
            data: Voxels (n, 3) of each class, and the shape of the volume (x, y, z).
        """
        classes, shape = data
        draws = self.R.random_sample(5)
        if draws[4] < self.anywhere:
            x, y, z = (int(place) for place in np.unravel_index(int(draws[1] * math.prod(shape)), shape))
        else:
            voxels = classes[int(draws[0] * len(classes))]
            x, y, z = voxels[int(draws[1] * len(voxels))].tolist()
        width = 2 * self.jitter_px + 1
        self.voxel = (x, y, z)
        self.jitter_xy = (int(draws[2] * width) - self.jitter_px, int(draws[3] * width) - self.jitter_px)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the item: image (3, s, s) float32, label (1, s, s) int64, `task_id`.

        Raises:
            ValueError: The item has no `class_voxels`.
        """
        item = dict(data)
        if (voxels := item.pop(ClassVoxelsd.KEY, None)) is None:
            raise ValueError(f"item: got no {ClassVoxelsd.KEY!r}, wanted ClassVoxelsd before RandSliced")
        image = plain(item[self.image])
        self.randomize((voxels, image.shape[1:]))
        depth = image.shape[3]
        z = self.voxel[2]
        beside = [max(z - 1, 0), z, min(z + 1, depth - 1)]
        item[self.image] = self._cut(image, beside, torch.float32)
        if self.label in item:
            item[self.label] = self._cut(plain(item[self.label]), [z], torch.int64)
        item["task_id"] = self.task_ids[item["task"]]
        return item

    def _cut(self, volume: torch.Tensor, slices: list[int], dtype: torch.dtype) -> torch.Tensor:
        """(1, x, y, z) -> (len(slices), size, size), a copy."""
        result = torch.zeros(len(slices), self.size, self.size, dtype=dtype)
        (from_x, to_x), (from_y, to_y) = (
            self._window(place, jitter, side)
            for place, jitter, side in zip(self.voxel, self.jitter_xy, volume.shape[1:3], strict=False)
        )
        for channel, z in enumerate(slices):
            result[channel, to_x, to_y] = volume[0, from_x, from_y, z]
        return result

    def _window(self, place: int, jitter: int, side: int) -> tuple[slice, slice]:
        """Which voxels of an axis are taken, and to which pixels of the square they go."""
        spare = side - self.size
        start = min(max(place - self.size // 2 + jitter, min(spare, 0)), max(spare, 0))
        first, last = max(start, 0), min(start + self.size, side)
        return slice(first, last), slice(first - start, last - start)
