"""The strong view of an image. Axes: c = 3 channels (red, green, blue), then the two spatial axes in any order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from monai.networks.layers import gaussian_1d, separable_filtering
from monai.transforms import MapTransform, RandomizableTransform

from ..plain import plain
from .stain import StainJitter, check_rgb, draw_stain_jitter, grey, stain_jitter


@dataclass(frozen=True)
class StrongJitter:
    """What one strong view does; the defaults change nothing."""

    stain: StainJitter | None = None
    contrast: float = 1.0
    sigma_px: float = 0.0
    grey: bool = False


def strong_view(image: torch.Tensor, jitter: StrongJitter) -> torch.Tensor:
    """Jitter stain, contrast (about the image's mean), colour or grey, and sharpness; no pixel moves.

    Args:
        image: `(3, ·, ·)`, in [0, 1].
        jitter: What to do; `sigma_px` is the Gaussian blur's standard deviation, 0 for none.

    Returns:
        `(3, ·, ·)`, in [0, 1], a new tensor.

    Raises:
        ValueError: The image's shape or type differs.
    """
    check_rgb(image)
    view = image.clone() if jitter.stain is None else stain_jitter(image, jitter.stain)
    if jitter.contrast != 1:
        view = torch.lerp(view.mean(), view, jitter.contrast)
    if jitter.grey:
        view = grey(view).repeat(3, 1, 1)
    if jitter.sigma_px > 0:
        kernel = gaussian_1d(torch.tensor(jitter.sigma_px), truncated=3.0, approx="sampled", normalize=True)
        # Replicated, not zero: a dark frame would tell the student where the border is.
        view = separable_filtering(view[:, None], [kernel, kernel], mode="replicate")[:, 0]
    return view.clamp(0, 1)


class StrongViewd(RandomizableTransform, MapTransform):
    """Add a strongly jittered copy of an image beside it, in the same geometry: pseudo-labels of the one fit the other.

    Args:
        key: The weak view `(3, ·, ·)`, in [0, 1]; left as it is.
        output_key: Where the strong view goes.
        strength: Half-width of the uniform ranges of stain (see `draw_stain_jitter`) and contrast, in [0, 1).
        blur_prob: Chance of a Gaussian blur, its standard deviation uniform in 0.5 to 1.5 px.
        grey_prob: Chance of losing the colour.
        prob: Chance of any change at all; the copy is made always.

    Raises:
        ValueError: Strength is out of its range.

    Example:
        >>> item = StrongViewd().set_random_state(0)({"image": torch.rand(3, 8, 8)})
        >>> sorted(item), tuple(item["strong"].shape)
        (['image', 'strong'], (3, 8, 8))
    """

    def __init__(
        self,
        key: str = "image",
        output_key: str = "strong",
        strength: float = 0.25,
        blur_prob: float = 0.5,
        grey_prob: float = 0.1,
        prob: float = 1.0,
    ) -> None:
        MapTransform.__init__(self, key)
        RandomizableTransform.__init__(self, prob)
        if not 0 <= strength < 1:
            raise ValueError(f"strength: got {strength}, wanted within [0, 1)")
        self.key, self.output_key, self.strength = key, output_key, strength
        self.blur_prob, self.grey_prob = blur_prob, grey_prob
        self.jitter = StrongJitter()

    def randomize(self, data: Any = None) -> None:
        """Draw the jitter; the same number of draws whether it is used or not."""
        super().randomize(None)
        stain = draw_stain_jitter(self.R, self.strength)
        contrast = 1 + self.strength * self.R.uniform(-1, 1)
        blur, lose_colour, sigma_px = self.R.rand(), self.R.rand(), self.R.uniform(0.5, 1.5)
        self.jitter = StrongJitter()
        if self._do_transform:
            sigma_px = sigma_px if blur < self.blur_prob else 0.0
            self.jitter = StrongJitter(stain, float(contrast), float(sigma_px), bool(lose_colour < self.grey_prob))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the item with the strong view added."""
        item = dict(data)
        self.randomize()
        item[self.output_key] = strong_view(plain(item[self.key]), self.jitter)
        return item
