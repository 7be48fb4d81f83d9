from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..mixture import stack_experts

_WIDTHS = (64, 128, 256, 512, 1024)


def _conv(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class _PlainUNet(nn.Module):
    """U-Net of two 3x3 convolutions a level; nearest upsampling and a 3x3 convolution on the way up; no head."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (3, *_WIDTHS[:-1])
        self.down = nn.ModuleList(
            nn.Sequential(*_conv(a, b), *_conv(b, b)) for a, b in zip(inputs, _WIDTHS, strict=True)
        )
        coarse_to_fine = list(zip(_WIDTHS[:0:-1], _WIDTHS[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.Sequential(*_conv(a, b)) for a, b in coarse_to_fine)
        self.merge = nn.ModuleList(nn.Sequential(*_conv(2 * b, b), *_conv(b, b)) for _, b in coarse_to_fine)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        skips: list[torch.Tensor] = []
        x = image
        for index, level in enumerate(self.down):
            if index > 0:
                x = F.max_pool2d(x, 2)
            x = level(x)
            skips.append(x)
        for index, (up, merge) in enumerate(zip(self.up, self.merge)):  # noqa: B905 - TorchScript's zip is not strict
            x = up(F.interpolate(x, scale_factor=2.0, mode="nearest"))
            x = merge(torch.cat([skips[-2 - index], x], dim=1))
        return x


class SeparateUNets(nn.Module):
    """The paper's experts (arXiv 2509.13834): plain U-Nets 64-128-256-512-1024 that share nothing, not pretrained.

    34,526,976 parameters each, without heads. Kaiming-normal weights (fan-in), biases 0, batch-norm scales drawn from
    N(1, 0.02), as the authors' code starts them.

    Args:
        expert_count: Number of experts, e, at least 1.

    Attributes:
        expert_count: Number of experts, e.
        channels: Channels of one expert's feature, c = 64.
        multiple: Height and width of the image must be multiples of it.
        stride: Image pixels per feature pixel.
        arguments: What shapes the weights, for checkpoints.

    Example:
        >>> features = SeparateUNets(expert_count=1)
        >>> features(torch.rand(1, 3, 16, 32)).shape
        torch.Size([1, 1, 64, 16, 32])
    """

    def __init__(self, expert_count: int = 3) -> None:
        super().__init__()
        if expert_count < 1:
            raise ValueError(f"expert_count must be at least 1, got {expert_count}")
        self.unets = nn.ModuleList(_PlainUNet() for _ in range(expert_count))
        for module in self.unets.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.02)
        self.expert_count = expert_count
        self.channels = _WIDTHS[0]
        self.multiple = 16
        self.stride = 1
        self.arguments = {"type": type(self).__name__, "expert_count": expert_count}

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Compute every expert's feature map.

        Args:
            image: Normalised, `(b, 3, h, w)`, height and width multiples of 16.

        Returns:
            Features `(b, e, 64, h, w)`.
        """
        maps: list[torch.Tensor] = []
        for unet in self.unets:
            maps.append(unet(image))
        return stack_experts(maps)
