from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ..mixture import AverageGate, ChannelAttentionGate, ImageGate, PixelGate, combine

# Each is made from the channels of an expert and the number of experts.
OUTPUT_GATES: dict[str, Callable[[int, int], nn.Module]] = {
    "image": lambda channels, experts: ImageGate(channels, experts, hidden=channels * experts // 2),
    "pixel": lambda channels, experts: PixelGate(channels, experts, hidden=channels * experts // 2),
    "average": lambda channels, experts: AverageGate(),
    "paper": ChannelAttentionGate,
}
# Those that want every pixel's features; the others are given the mean over the pixels.
_PER_PIXEL = ("pixel",)


class OutputMixture(nn.Module):
    """Everything of one output: its gate, the head on the mixture, and the own heads of the experts that learn it.

    Args:
        channels: Channels of one expert's feature, c.
        experts: Number of experts, e.
        outputs: Channels of the output.
        owners: The experts that have an own head for it, by index.
        gate: A name in `OUTPUT_GATES`.

    Raises:
        ValueError: Unknown gate.
    """

    def __init__(self, channels: int, experts: int, outputs: int, owners: list[int], gate: str) -> None:
        super().__init__()
        if gate not in OUTPUT_GATES:
            raise ValueError(f"unknown gate {gate!r}, must be one of {list(OUTPUT_GATES)}")
        self.gate = OUTPUT_GATES[gate](channels, experts)
        self.per_pixel = gate in _PER_PIXEL
        self.head = nn.Conv2d(channels, outputs, 1)
        self.own_heads = nn.ModuleList(nn.Conv2d(channels, outputs, 1) for _ in owners)
        self.owners = torch.jit.annotate(list[int], list(owners))
        if gate == "paper":
            for head in (self.head, *self.own_heads):
                nn.init.kaiming_normal_(head.weight)
                nn.init.zeros_(head.bias)

    def forward(self, features: torch.Tensor, pooled: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mix the experts.

        Args:
            features: `(b, e, c, h, w)`.
            pooled: Their mean over the pixels, `(b, e, c, 1, 1)`, for gates that look at nothing else.

        Returns:
            The fused output `(b, outputs, h, w)` before any activation, and the gate's weights, both float32.
        """
        # The mean of a mean is the mean: gates that pool get it ready made, once for all outputs.
        weights = self.gate(features if self.per_pixel else pooled)
        # head(sum_e w_e f_e) = sum_e w_e head(f_e), because the head is linear and the weights sum to one: mixing the
        # few channels after it gives the paper's output at a fraction of the time.
        outputs = self.head(features.flatten(0, 1)).unflatten(0, [features.shape[0], features.shape[1]])
        return combine(outputs, weights).float(), weights.float()

    @torch.jit.export
    def own(self, experts: list[torch.Tensor]) -> list[torch.Tensor]:
        """Compute what each expert with an own head says by itself.

        Args:
            experts: The features of each expert, `(b, c, h, w)`.

        Returns:
            One `(b, outputs, h, w)` an owner, float32, before any activation.
        """
        outputs: list[torch.Tensor] = []
        for index, head in enumerate(self.own_heads):
            outputs.append(head(experts[self.owners[index]]).float())
        return outputs
