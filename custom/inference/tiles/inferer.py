"""Inference at the network's own resolution. Axes: b images, c channels, h and w the two spatial axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer, SlidingWindowInferer
from monai.utils import BlendMode, convert_to_tensor
from torch import nn

from ...data.pixel_size import check_mpp
from ...geometry.resize import resize
from ...networks.all_outputs import unwrap
from ..keep_meta import keep_meta

# Quarter turns and whether to mirror, for each number of views: plain, and the mirror, and the whole dihedral group.
_VIEWS = {
    1: [(0, False)],
    2: [(0, False), (0, True)],
    8: [(turns, mirror) for mirror in (False, True) for turns in range(4)],
}
_SAME_MPP = 0.01
# Bytes a pixel, measured: of the image, its maps and its glands; and of each view at the network's resolution.
_BYTES, _BYTES_A_VIEW = 110, 30


class TileInferer(Inferer):
    """Run `network.maps` on images of any resolution and size.

    Images are resampled from their own resolution to the network's, predicted in overlapping windows blended with a
    Gaussian (MONAI's `SlidingWindowInferer`), averaged over mirrored and turned views, and resampled back.

    Args:
        network_mpp: Resolution that the network was trained at, in µm per pixel; it belongs to the checkpoint.
        mpp: Resolution of the inputs, in µm per pixel. Within 1 % of the network's nothing is resampled.
        roi_px: Side of a window in pixels of the network's resolution; smaller images go through in one piece.
        overlap: Overlap of neighbouring windows, in [0, 1).
        views: 1 plain, 2 also mirrored, 8 all mirrored and turned.
        sw_batch_size: Windows a forward pass.
        amp: bfloat16 autocast.

    Raises:
        RequestError: `mpp` is out of the range of light microscopes.
        ValueError: Another size is not positive, or `views` is none of 1, 2, 8.

    Example:
        >>> from custom.networks import SemiMoE, SharedEncoder
        >>> inferer = TileInferer(network_mpp=1.0, mpp=0.5)
        >>> network = SemiMoE(SharedEncoder(pretrained=False)).eval()
        >>> inferer(torch.rand(1, 3, 100, 60), network).shape
        torch.Size([1, 5, 100, 60])
    """

    def __init__(
        self,
        network_mpp: float,
        mpp: float,
        roi_px: int = 512,
        overlap: float = 0.25,
        views: int = 1,
        sw_batch_size: int = 1,
        amp: bool = False,
    ) -> None:
        super().__init__()
        check_mpp(mpp)  # a user's own number, in training, evaluation and inference alike
        for name, value in (("network_mpp", network_mpp), ("roi_px", roi_px)):
            if not 0 < value < float("inf"):
                raise ValueError(f"{name} must be positive, got {value}")
        if views not in _VIEWS:
            raise ValueError(f"views must be one of {list(_VIEWS)}, got {views}")
        self.network_mpp = float(network_mpp)
        self.mpp = float(mpp)
        self.roi_px = roi_px
        self.overlap = overlap
        self.views = views
        self.sw_batch_size = sw_batch_size
        self.amp = amp

    def __call__(self, inputs: torch.Tensor, network: Callable, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Predict.

        Args:
            inputs: `(b, 3, h, w)` in [0, 1]; a `MetaTensor` gives one back.
            network: Has `maps`; also inside `AllOutputs` or `DistributedDataParallel`, or a TorchScript module. Its
                training or evaluation mode is left as it is.
            args: Not used; MONAI's engines may pass them.
            kwargs: Not used.

        Returns:
            The fused outputs of all tasks at the inputs' own size, `(b, 5, h, w)`, float32.
        """
        network = unwrap(network)  # type: ignore[arg-type]
        image: torch.Tensor = convert_to_tensor(inputs, track_meta=False)
        seen = self.seen(image)
        views = [self._view(seen, network, turns, mirror) for turns, mirror in _VIEWS[self.views]]
        output = resize(torch.stack(views).mean(0), list(inputs.shape[2:]))
        return keep_meta(output, inputs)

    def seen(self, image: torch.Tensor) -> torch.Tensor:
        """The images as the network sees them: at its own resolution.

        Args:
            image: `(b, 3, h, w)` in [0, 1].
        """
        factor = self.mpp / self.network_mpp
        if abs(factor - 1) <= _SAME_MPP:
            return image
        return resize(image, [max(1, round(side * factor)) for side in image.shape[2:]])

    def most_bytes(self, height: int, width: int) -> float:
        """About how much memory an image takes, from its loading to its results.

        Args:
            height: In pixels.
            width: In pixels.
        """
        return height * width * (_BYTES + _BYTES_A_VIEW * self.views * (self.mpp / self.network_mpp) ** 2)

    def _view(self, image: torch.Tensor, network: nn.Module, turns: int, mirror: bool) -> torch.Tensor:
        view = torch.rot90(image.flip(-1) if mirror else image, turns, (-2, -1))
        output = torch.rot90(self._windows(view, network), -turns, (-2, -1))
        return output.flip(-1) if mirror else output

    def _windows(self, image: torch.Tensor, network: nn.Module) -> torch.Tensor:
        # A window larger than the image would be padded with zeros, which no network has seen.
        roi = [min(self.roi_px, side) for side in image.shape[2:]]
        windows = SlidingWindowInferer(roi, self.sw_batch_size, self.overlap, BlendMode.GAUSSIAN)
        with torch.autocast(image.device.type, torch.bfloat16, enabled=self.amp):
            return windows(image, network.maps).float()  # type: ignore[arg-type, union-attr]
