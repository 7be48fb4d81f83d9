from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer
from monai.utils import convert_to_tensor
from torch.nn import functional as F

from ...networks.all_outputs import unwrap
from ..keep_meta import keep_meta


class SquareInferer(Inferer):
    """The paper's way to see an image: squeezed to a square whatever its shape, the prediction stretched back.

    Distances and shapes are distorted with it, so this serves the paper's setting alone; `TileInferer` is the
    default.

    Args:
        side_px: Side of the square, in pixels.
        amp: Whether to compute in bfloat16.
    """

    def __init__(self, side_px: int = 256, amp: bool = False) -> None:
        super().__init__()
        self.side_px = side_px
        self.amp = amp

    def __call__(self, inputs: torch.Tensor, network: Callable, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Predict.

        Args:
            inputs: `(b, 3, h, w)` in [0, 1]; a `MetaTensor` gives one back.
            network: Has `maps`; also inside `AllOutputs` or `DistributedDataParallel`.
            args: Not used; MONAI's engines may pass them.
            kwargs: Not used.

        Returns:
            The fused outputs of all tasks at the inputs' own size, `(b, 5, h, w)`, float32.
        """
        image: torch.Tensor = convert_to_tensor(inputs, track_meta=False)
        square = self.seen(image)
        with torch.autocast(image.device.type, torch.bfloat16, enabled=self.amp):
            maps = unwrap(network).maps(square).float()  # type: ignore[arg-type, operator]
        output = F.interpolate(maps, size=list(inputs.shape[2:]), mode="bilinear", align_corners=False)
        return keep_meta(output, inputs)

    def seen(self, image: torch.Tensor) -> torch.Tensor:
        """The images as the network sees them: squares.

        Args:
            image: `(b, 3, h, w)` in [0, 1].
        """
        return F.interpolate(image, size=[self.side_px, self.side_px], mode="area")

    def most_bytes(self, height: int, width: int) -> float:
        """About how much memory an image takes, from its loading to its results.

        Args:
            height: In pixels.
            width: In pixels.
        """
        return 110.0 * height * width
