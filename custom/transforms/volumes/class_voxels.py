"""Where each class of a volume is, found once and kept with it. Axes: x, y, z; n voxels."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.transforms import Transform

from ..plain import plain


class ClassVoxelsd(Transform):
    """Note some voxels of each class, for `RandSliced`: looking for them at every draw would cost more than the draw.

    Deterministic, so that `CacheDataset` keeps what it finds. An item without a label gets one class: the voxels above
    the lowest intensity, so that not every other draw is air.

    Args:
        image: Key of the volume (1, x, y, z).
        label: Key of its classes (1, x, y, z).
        most: How many voxels of a class are noted at most.

    Raises:
        ValueError: `most` is not positive.

    Example:
        >>> item = {"image": torch.zeros(1, 2, 2, 1), "label": torch.tensor([0, 0, 0, 5]).reshape(1, 2, 2, 1)}
        >>> [voxels.tolist() for voxels in ClassVoxelsd()(item)["class_voxels"]]
        [[[0, 0, 0], [0, 1, 0], [1, 0, 0]], [[1, 1, 0]]]
    """

    KEY = "class_voxels"

    def __init__(self, image: str = "image", label: str = "label", most: int = 2000) -> None:
        if most < 1:
            raise ValueError(f"most: got {most}, wanted >= 1")
        self.image, self.label, self.most = image, label, most

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the item with `class_voxels`: (n, 3) int16 for each class that is present, ascending."""
        item = dict(data)
        rng = np.random.default_rng(0)  # any fixed choice will do
        if self.label in item:
            values = plain(item[self.label])[0].numpy()
            present = np.flatnonzero(np.bincount(values.ravel()))
        else:
            image = plain(item[self.image])[0].numpy()
            values = image > image.min()
            present = np.array([values.any()])
        item[self.KEY] = [self._some(rng, values == one) for one in present]
        return item

    def _some(self, rng: np.random.Generator, mask: np.ndarray) -> np.ndarray:
        places = np.flatnonzero(mask)
        if len(places) > self.most:
            # Not every k-th: that would be one column of the volume where k divides a row.
            places = places[np.sort(rng.integers(len(places), size=self.most))]
        return np.stack(np.unravel_index(places, mask.shape), -1).astype(np.int16)
