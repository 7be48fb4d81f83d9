"""Semi-MoE: experts for related outputs, and for each output a gate that mixes their features.

Axes: b images, e experts, k experts with an own head for an output, c channels, h and w rows and columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from .output_mixture import OutputMixture

_OUTPUTS = {"mask": 2, "distance": 1, "boundary": 2}
_EXPERTS = (("mask",), ("distance",), ("boundary",))


class SemiMoE(nn.Module):
    """Mixture of experts for segmentation from few labels (Semi-MoE, arXiv 2509.13834).

    Each expert gives a feature map and has own heads for its outputs. For every output a gate weighs the features of
    all experts, and one head reads the mixture: the fused output. Images are normalised, padded and cropped inside, so
    any size works, and the signed distance is in [-1, 1] (tanh). Outputs are float32 at the image's size, also under
    autocast.

    Args:
        features: The experts: `SharedEncoder` or `SeparateUNets`, or any module with `expert_count`, `channels`,
            `multiple`, `stride`, `arguments` and `forward(image) -> (b, e, c, h / stride, w / stride)`.
        outputs: Output to its number of channels, in the order of `maps`; `mask` is needed, `distance` gets the tanh.
        expert_outputs: For each expert the outputs that it has an own head for; `[[]]`, a single expert with
            fused heads only, leaves nothing to mix: the bundle's default.
        gate: `image` (one weight an expert, output and image), `pixel` (one a pixel), `average` (1/E, a control) or
            `paper` (the authors' release); of no account where there is one expert.
        mean: Mean of the images' channels, in [0, 1]; the default is that of the GlaS training images.
        std: Standard deviation of the images' channels.

    Attributes:
        arguments: What shapes the weights, a plain dictionary that goes into checkpoints.
        recipe: `gland`.

    Raises:
        ValueError: An expert has an unknown output, the number of experts is not that of `features`, the gate is
            unknown, or there is no output `mask`.

    Example:
        >>> from custom.networks import SharedEncoder
        >>> network = SemiMoE(SharedEncoder(pretrained=False, expert_count=3))
        >>> network(torch.rand(1, 3, 50, 70)).shape
        torch.Size([1, 2, 50, 70])
    """

    recipe = "gland"

    def __init__(
        self,
        features: nn.Module,
        outputs: Mapping[str, int] = _OUTPUTS,
        expert_outputs: Sequence[Sequence[str]] = _EXPERTS,
        gate: str = "image",
        mean: Sequence[float] = (0.788, 0.512, 0.785),
        std: Sequence[float] = (0.168, 0.248, 0.132),
    ) -> None:
        super().__init__()
        _check(outputs, expert_outputs, int(features.expert_count))  # type: ignore[arg-type]
        gate = gate if len(expert_outputs) > 1 else "average"  # whatever is asked for, one expert has the weight 1
        self.features = features
        self.mixtures = nn.ModuleDict()
        for name, channels in outputs.items():
            owners = [index for index, own in enumerate(expert_outputs) if name in own]
            self.mixtures[name] = OutputMixture(int(features.channels), len(expert_outputs), channels, owners, gate)  # type: ignore[arg-type]
        self.multiple: int = int(features.multiple)  # type: ignore[arg-type]
        self.stride: int = int(features.stride)  # type: ignore[arg-type]
        self.register_buffer("mean", torch.tensor([float(m) for m in mean]).reshape(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor([float(s) for s in std]).reshape(1, -1, 1, 1))
        self.arguments = {
            "features": features.arguments,
            "outputs": {name: int(channels) for name, channels in outputs.items()},
            "expert_outputs": [list(own) for own in expert_outputs],
            "gate": gate,
        }
        # The layout that forward gives the images, so that convolutions need not reorder their weights at each call.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Segment.

        Args:
            image: `(b, 3, h, w)` in [0, 1], any size.

        Returns:
            Fused mask logits `(b, 2, h, w)`: background and gland.
        """
        features, pooled = self._features(image)
        fused, _ = self.mixtures["mask"](features, pooled)  # type: ignore[operator]
        return self._to_image(fused, image)

    @torch.jit.export
    def outputs(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute all that training needs.

        Args:
            image: `(b, 3, h, w)` in [0, 1], any size.

        Returns:
            For each output `<name>` `(b, c, h, w)`, fused; `<name>_experts` `(b, k, c, h, w)`, what the k experts that
            learn it say by themselves, absent if none does; `<name>_gate` `(b, e)` or `(b, e, h, w)`, the weights,
            absent where there is one expert. Logits, but for the signed distance.
        """
        features, pooled = self._features(image)
        # Taken apart once: the gradient of each features[:, i] would be a tensor of the size of all of them.
        experts = list(features.unbind(1))
        found: dict[str, torch.Tensor] = {}
        for name, mixture in self.mixtures.items():
            fused, weights = mixture(features, pooled)
            found[name] = self._activate(name, self._to_image(fused, image))
            if weights.shape[1] > 1:
                found[name + "_gate"] = weights if weights.dim() == 2 else self._to_image(weights, image)
            own: list[torch.Tensor] = mixture.own(experts)  # type: ignore[operator]
            if len(own) > 0:
                maps = [self._activate(name, self._to_image(output, image)) for output in own]
                found[name + "_experts"] = torch.stack(maps, dim=1)
        return found

    @torch.jit.export
    def maps(self, image: torch.Tensor) -> torch.Tensor:
        """Compute the fused outputs in one tensor, as the sliding window wants them.

        Args:
            image: `(b, 3, h, w)` in [0, 1], any size.

        Returns:
            The fused outputs in their order, `(b, 5, h, w)` for mask 2, distance 1, boundary 2.
        """
        features, pooled = self._features(image)
        outputs: list[torch.Tensor] = []
        for name, mixture in self.mixtures.items():
            fused, _ = mixture(features, pooled)
            outputs.append(self._activate(name, self._to_image(fused, image)))
        return torch.cat(outputs, dim=1)

    def _features(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Normalise, pad at the bottom and the right to the multiple, and ask the experts.

        Returns their features `(b, e, c, h', w')` and the mean over the pixels `(b, e, c, 1, 1)`.
        """
        if image.dim() != 4 or image.shape[1] != 3:
            raise ValueError(f"image must be (b, 3, h, w), got {list(image.shape)}")
        padded = (image - self.mean) / self.std  # type: ignore[operator]
        height, width = image.shape[2], image.shape[3]
        rows = (self.multiple - height % self.multiple) % self.multiple
        columns = (self.multiple - width % self.multiple) % self.multiple
        # Also where nothing is missing: a trace, as for ONNX, keeps the padding for other sizes.
        padded = F.pad(padded, [0, columns, 0, 0], mode="reflect" if columns < width else "replicate")
        padded = F.pad(padded, [0, 0, 0, rows], mode="reflect" if rows < height else "replicate")
        features = self.features(padded.contiguous(memory_format=torch.channels_last))
        return features, features.mean(dim=(3, 4), keepdim=True)

    def _to_image(self, output: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """From the padded feature grid to the image's pixels."""
        if self.stride > 1:
            output = F.interpolate(output, scale_factor=float(self.stride), mode="bilinear", align_corners=False)
        return output[:, :, : image.shape[2], : image.shape[3]]

    def _activate(self, name: str, output: torch.Tensor) -> torch.Tensor:
        if name == "distance":
            return torch.tanh(output)
        return output


def _check(outputs: Mapping[str, int], expert_outputs: Sequence[Sequence[str]], found: int) -> None:
    if "mask" not in outputs:
        raise ValueError(f"outputs must have 'mask', got {list(outputs)}")
    if len(expert_outputs) != found:
        wanted = f"the outputs of each of the {found} experts of `features`"
        raise ValueError(f"expert_outputs must list {wanted}, got {expert_outputs}")
    for own in expert_outputs:
        unknown = [name for name in own if name not in outputs]
        if isinstance(own, str) or unknown:
            raise ValueError(f"an expert's outputs must be a list out of {list(outputs)}, got {own!r}")
