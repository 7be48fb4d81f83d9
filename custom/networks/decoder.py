from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from .norms import Layers


class Decoder(nn.Module):
    """U-Net decoder of one expert: per level a 1x1 projection, nearest upsampling, the skip, one 3x3 convolution.

    The experts share a strong encoder, and three decoders are more than half of a step on a CPU: so one convolution a
    level, and what comes from below is projected to half the level's channels while it is still small, which halves the
    multiplications. Ends at the stride of the encoder's first feature map.

    Args:
        encoder_channels: Channels of the encoder's maps, finest first.
        channels: Channels of the decoder's levels, coarsest first; one level fewer than the encoder has.

    Raises:
        ValueError: The numbers of levels do not fit.

    Example:
        >>> decoder = Decoder(encoder_channels=(16, 24, 40), channels=(32, 16))
        >>> decoder([torch.rand(1, 16, 8, 8), torch.rand(1, 24, 4, 4), torch.rand(1, 40, 2, 2)], []).shape
        torch.Size([1, 16, 8, 8])
    """

    def __init__(self, encoder_channels: Sequence[int], channels: Sequence[int]) -> None:
        super().__init__()
        if len(channels) != len(encoder_channels) - 1:
            raise ValueError(
                f"the decoder needs {len(encoder_channels) - 1} levels for an encoder of {len(encoder_channels)}, "
                f"got {list(channels)}"
            )
        deeper = [encoder_channels[-1], *channels[:-1]]
        skips = list(encoder_channels[-2::-1])
        self.projections = nn.ModuleList(
            nn.Conv2d(below, outputs // 2, 1, bias=False) for below, outputs in zip(deeper, channels, strict=True)
        )
        self.levels = nn.ModuleList(
            Layers(
                nn.Conv2d(outputs // 2 + skip, outputs, 3, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
            )
            for skip, outputs in zip(skips, channels, strict=True)
        )

    def forward(self, features: list[torch.Tensor], counts: list[int]) -> torch.Tensor:
        """Decode.

        Args:
            features: The encoder's maps, finest first, each half the size of the one before.
            counts: As in `Layers`.

        Returns:
            The expert's feature map `(b, channels[-1], h, w)`, of the size of the finest map.
        """
        x = features[-1]
        for index, (project, level) in enumerate(zip(self.projections, self.levels)):  # noqa: B905 - TorchScript
            x = F.interpolate(project(x), scale_factor=2.0, mode="nearest")
            x = level(torch.cat([x, features[-2 - index]], dim=1), counts)
        return x
