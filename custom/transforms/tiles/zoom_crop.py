"""A random window of a random zoom, resampled alone. Axes: c channels, then two spatial axes in the item's order."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils import ensure_tuple, ensure_tuple_rep

from ..plain import plain

_MODES = ("bilinear", "nearest")


@dataclass(frozen=True)
class Window:
    """A window of an image, in its pixels, one number per spatial axis; it may reach beyond the image."""

    start: tuple[int, int]
    length: tuple[int, int]


def zoom_of(window: Window, size: tuple[int, int]) -> float:
    """Zoom of a window brought to `size`, the geometric mean of both axes (they differ by rounding only)."""
    return math.sqrt(size[0] * size[1] / (window.length[0] * window.length[1]))


def zoom_crop(
    image: torch.Tensor, window: Window, size: tuple[int, int], mode: str = "bilinear", antialias: bool = False
) -> torch.Tensor:
    """Cut a window and bring it to `size`, pixel areas on pixel areas (no aligned corners).

    Beyond its border the image goes on as its mirror image, the edge pixel repeated, as often as needed.

    Args:
        image: `(c, ·, ·)`; floating point if bilinear, any type if nearest.
        window: Where to cut.
        size: Pixels of the result.
        mode: "bilinear" or "nearest".
        antialias: Smooth before shrinking (bilinear only).

    Returns:
        `(c, *size)`, in the type of the image; bilinear values stay within those of the window.

    Raises:
        ValueError: Mode is unknown, the image is not 3-D, or bilinear is asked of integers.
    """
    if mode not in _MODES:
        raise ValueError(f"mode: got {mode!r}, wanted one of {_MODES}")
    if image.ndim != 3:
        raise ValueError(f"image: got shape {tuple(image.shape)}, wanted (c, ·, ·)")
    if mode == "nearest":
        steps = [_nearest(length, pixels) for length, pixels in zip(window.length, size, strict=True)]
        return _take(image, window, steps)
    if not image.is_floating_point():
        raise ValueError(f"image: got {image.dtype}, wanted a floating-point type for mode bilinear")
    cut = _take(image, window, [torch.arange(length) for length in window.length])
    if window.length == size:
        return cut
    resized = F.interpolate(cut[None], size=size, mode="bilinear", align_corners=False, antialias=antialias)[0]
    return resized.clamp(*cut.aminmax())  # rounding of the weights only


def _nearest(length: int, pixels: int) -> torch.Tensor:
    """Index, within the window, of the pixel under the centre of each result pixel: `floor((i + 1/2) length / n)`."""
    return ((2 * torch.arange(pixels) + 1) * length).div(2 * pixels, rounding_mode="floor")


def _take(image: torch.Tensor, window: Window, steps: list[torch.Tensor]) -> torch.Tensor:
    """Pixels at `start + step` along each axis, mirrored at the borders; a copy."""
    rows, columns = (
        _mirror(start + step, pixels) for start, step, pixels in zip(window.start, steps, image.shape[1:], strict=True)
    )
    return image.index_select(1, rows.to(image.device)).index_select(2, columns.to(image.device))


def _mirror(index: torch.Tensor, pixels: int) -> torch.Tensor:
    index = index.remainder(2 * pixels)
    return torch.minimum(index, 2 * pixels - 1 - index)


class RandZoomCropd(RandomizableTransform, MapTransform):
    """Draw a zoom and a place, and cut all maps of an item through one window; a distance is multiplied by the zoom.

    The zoom is log-uniform; the content of the window fills `size` at that zoom. An image smaller than the window lies
    wholly inside it, at a random place, and goes on as its mirror image, as do its maps (distances in that margin are
    mirrored, not measured anew). Images are smoothed before shrinking; distances are not, so that the zero crossing
    between touching glands stays. Keys that an item lacks are passed over: unlabelled items have an image only.

    Args:
        keys: Maps to cut, `(c, ·, ·)`, all of one spatial shape.
        size: Pixels of the result, one number or one per axis.
        scale_range: Smallest and largest zoom; above 1 magnifies.
        modes: "bilinear" or "nearest", for each key or for all.
        distance_keys: Those of the keys that hold lengths, in any unit.
        prob: Chance of a zoom other than 1; a window is drawn always, so that the size holds always.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> crop = RandZoomCropd(["image", "label"], 64, modes=["bilinear", "nearest"]).set_random_state(0)
        >>> item = crop({"image": torch.rand(3, 100, 80), "label": torch.ones(1, 100, 80, dtype=torch.int32)})
        >>> tuple(item["image"].shape), item["label"].dtype
        ((3, 64, 64), torch.int32)
    """

    def __init__(
        self,
        keys: KeysCollection,
        size: int | Sequence[int],
        scale_range: tuple[float, float] = (0.75, 1.33),
        modes: str | Sequence[str] = "bilinear",
        distance_keys: Sequence[str] = ("distance",),
        prob: float = 1.0,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys=True)
        RandomizableTransform.__init__(self, prob)
        rows, columns = ensure_tuple_rep(size, 2)
        self.size = (int(rows), int(columns))
        self.scale_range = (float(scale_range[0]), float(scale_range[1]))
        self.modes = ensure_tuple_rep(modes, len(self.keys))
        self.distance_keys = ensure_tuple(distance_keys)
        if min(self.size) < 1:
            raise ValueError(f"size: got {self.size}, wanted >= 1")
        if not 0 < self.scale_range[0] <= self.scale_range[1]:
            raise ValueError(f"scale_range: got {self.scale_range}, wanted 0 < smallest <= largest")
        if not set(self.modes) <= set(_MODES):
            raise ValueError(f"modes: got {self.modes}, wanted some of {_MODES}")
        self.window = Window((0, 0), self.size)

    def randomize(self, data: Sequence[int]) -> None:
        """Draw the window for maps of the spatial shape `data`; the same number of draws whatever it is."""
        super().randomize(None)
        scale = math.exp(self.R.uniform(math.log(self.scale_range[0]), math.log(self.scale_range[1])))
        places = self.R.random_sample(2)
        if not self._do_transform:
            scale = 1.0
        length = [max(1, round(pixels / scale)) for pixels in self.size]
        start = []
        for pixels, window, place in zip(data, length, places, strict=True):
            first, last = min(0, pixels - window), max(0, pixels - window)
            start.append(first + int(place * (last - first + 1)))
        self.window = Window((start[0], start[1]), (length[0], length[1]))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the item with its maps cut, plain tensors.

        Raises:
            ValueError: The item has none of the keys, or its maps are not `(c, ·, ·)` of one spatial shape.
        """
        item = dict(data)
        maps = {key: (plain(item[key]), mode) for key, mode in self.key_iterator(item, self.modes)}
        shapes = {key: tuple(image.shape) for key, (image, _) in maps.items()}
        spatial = {shape[1:] for shape in shapes.values()}
        if len(spatial) != 1 or any(len(shape) != 3 for shape in shapes.values()):
            wanted = f"(c, ·, ·) of one spatial shape for those of {list(self.keys)} that are there, at least one"
            raise ValueError(f"maps: got shapes {shapes}, wanted {wanted}")
        self.randomize(spatial.pop())
        for key, (image, mode) in maps.items():
            is_length = key in self.distance_keys
            cut = zoom_crop(image, self.window, self.size, mode, antialias=not is_length)
            item[key] = cut * zoom_of(self.window, self.size) if is_length else cut
        return item
