"""Jitter of stain and colour. Axes: c = 3 channels (red, green, blue), then the two spatial axes in any order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from ..plain import plain

# Optical density of haematoxylin, eosin and DAB (here: the rest) in red, green and blue, each of length 1:
# Ruifrok and Johnston, "Quantification of histochemical staining by color deconvolution", 2001.
_STAINS = torch.nn.functional.normalize(
    torch.tensor([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]], dtype=torch.float64), dim=1
)
_UNMIX = torch.linalg.inv(_STAINS)
# Added before the logarithm and taken off again, so that black has a finite density and nothing changes by it.
_FLOOR = 1 / 255
# ITU-R BT.601, the weights of grey.
_GREY = torch.tensor([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class StainJitter:
    """What one jitter does; the defaults change nothing."""

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    bias: tuple[float, float, float] = (0.0, 0.0, 0.0)
    brightness: float = 1.0
    saturation: float = 1.0


def draw_stain_jitter(state: np.random.RandomState, strength: float) -> StainJitter:
    """Draw a jitter: gains, brightness and saturation from `1 ± strength`, biases from `0 ± strength`, all uniform."""
    gain, bias = 1 + strength * state.uniform(-1, 1, 3), strength * state.uniform(-1, 1, 3)
    brightness, saturation = 1 + strength * state.uniform(-1, 1, 2)
    return StainJitter(tuple(gain.tolist()), tuple(bias.tolist()), float(brightness), float(saturation))


def check_rgb(image: torch.Tensor) -> None:
    """Refuse what is not a floating-point `(3, ·, ·)` image.

    Raises:
        ValueError: The shape or the type differs.
    """
    if image.ndim != 3 or image.shape[0] != 3 or not image.is_floating_point():
        raise ValueError(f"image: got {tuple(image.shape)} of {image.dtype}, wanted (3, ·, ·) of a float type")


def grey(image: torch.Tensor) -> torch.Tensor:
    """Luminance `(1, ·, ·)` of an image `(3, ·, ·)`."""
    return torch.einsum("c,cxy->xy", _GREY.to(image), image)[None]


def stain_jitter(image: torch.Tensor, jitter: StainJitter) -> torch.Tensor:
    """Scale and shift the amount of each stain, then brightness and saturation.

    With the optical density `-log(image)`, unmixed by Ruifrok's fixed matrix M, the amounts `density M⁻¹` become
    `gain amount + bias`; mixing again is linear too, so one 3 x 3 matrix and one shift do it all.

    Args:
        image: `(3, ·, ·)`, in [0, 1].
        jitter: What to do; biases in units of natural optical density.

    Returns:
        `(3, ·, ·)`, in [0, 1].

    Raises:
        ValueError: The image's shape or type differs.
    """
    check_rgb(image)
    gain, bias = (torch.tensor(values, dtype=torch.float64) for values in (jitter.gain, jitter.bias))
    matrix = (_UNMIX @ torch.diag(gain) @ _STAINS).T.to(image)
    shift = (bias @ _STAINS).to(image)
    density = torch.log((image.flatten(1) + _FLOOR) / (1 + _FLOOR)).neg_()
    mixed = torch.addmm(shift[:, None], matrix, density).neg_().exp_()
    colours = mixed.mul_(1 + _FLOOR).sub_(_FLOOR).mul_(jitter.brightness).view_as(image)
    if jitter.saturation != 1:
        colours = torch.lerp(grey(colours), colours, jitter.saturation)
    return colours.clamp_(0, 1)


class RandStainJitterd(RandomizableTransform, MapTransform):
    """`stain_jitter` of the images of an item, one draw for all keys.

    Args:
        keys: Images `(3, ·, ·)`, in [0, 1].
        strength: Half-width of the uniform ranges (see `draw_stain_jitter`), in [0, 1): 0.05 weak, 0.25 strong.
        prob: Chance of a jitter.
        allow_missing_keys: Pass over keys that an item lacks.

    Raises:
        ValueError: Strength is out of its range.

    Example:
        >>> item = RandStainJitterd("image", strength=0.2).set_random_state(0)({"image": torch.rand(3, 8, 8)})
        >>> tuple(item["image"].shape)
        (3, 8, 8)
    """

    def __init__(
        self, keys: KeysCollection, strength: float = 0.05, prob: float = 1.0, allow_missing_keys: bool = False
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob)
        if not 0 <= strength < 1:
            raise ValueError(f"strength: got {strength}, wanted within [0, 1)")
        self.strength = strength
        self.jitter = StainJitter()

    def randomize(self, data: Any = None) -> None:
        """Draw the jitter; the same number of draws whether it is used or not."""
        super().randomize(None)
        self.jitter = draw_stain_jitter(self.R, self.strength)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the item with its images jittered; the images themselves where nothing is done."""
        item = dict(data)
        self.randomize()
        if self._do_transform and self.strength > 0:
            for key in self.key_iterator(item):
                item[key] = stain_jitter(plain(item[key]), self.jitter)
        return item
