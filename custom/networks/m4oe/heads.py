"""The heads of all data sets. Axes: as in `custom.networks.m4oe`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional as F


class Heads(nn.Module):
    """One 1x1 convolution with the classes of all heads, so that an image may ask for any of them.

    Each head keeps its own weights, so that one that joins changes no other.

    Args:
        channels: Channels of the features, c.
        classes: Head to its number of classes.

    Example:
        >>> heads = Heads(channels=8, classes={"btcv": 14, "acdc": 4})
        >>> [tuple(logits.shape) for logits in heads(torch.rand(1, 6, 6, 8), [1, 0])]
        [(1, 4, 6, 6), (1, 14, 6, 6)]
    """

    def __init__(self, channels: int, classes: Mapping[str, int]) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(channels, number) for name, number in classes.items()})
        self.classes = list(classes.values())
        for head in self.heads.values():
            nn.init.trunc_normal_(head.weight, std=0.02)  # type: ignore[arg-type]
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]

    def forward(self, features: torch.Tensor, wanted: list[int]) -> list[torch.Tensor]:
        """What some heads say of all images.

        Args:
            features: `(b, h, w, c)`.
            wanted: Which heads, by number.

        Returns:
            For each its logits `(b, classes, h, w)`, float32.
        """
        weights: list[torch.Tensor] = []
        biases: list[torch.Tensor] = []
        for head in self.heads.values():
            weights.append(head.weight)  # type: ignore[arg-type]
            biases.append(head.bias)  # type: ignore[arg-type]
        weight = torch.cat([weights[index] for index in wanted])
        bias = torch.cat([biases[index] for index in wanted])
        logits = torch.matmul(weight, features.flatten(1, 2).transpose(1, 2)).float() + bias[:, None]
        sizes = [self.classes[index] for index in wanted]
        return list(logits.unflatten(2, [features.shape[1], features.shape[2]]).split(sizes, dim=1))

    @torch.jit.export
    def each(self, features: torch.Tensor, head: torch.Tensor, classes: int) -> torch.Tensor:
        """What each image's own head says of it.

        Args:
            features: `(b, h, w, c)`.
            head: Number of each image's head, `(b,)`.
            classes: The most classes of any head in `head`.

        Returns:
            Logits `(b, classes, h, w)`, float32; -1e4 for the classes that an image's head lacks.
        """
        weights: list[torch.Tensor] = []
        biases: list[torch.Tensor] = []
        for index, one in enumerate(self.heads.values()):
            lacks = max(0, classes - self.classes[index])
            weights.append(F.pad(one.weight, [0, 0, 0, lacks])[:classes])  # type: ignore[arg-type]
            # A softmax gives it exactly 0.
            biases.append(F.pad(one.bias, [0, lacks], value=-1e4)[:classes])  # type: ignore[arg-type]
        weight, bias = torch.stack(weights)[head], torch.stack(biases)[head]
        logits = torch.bmm(weight, features.flatten(1, 2).transpose(1, 2)).float() + bias.unsqueeze(-1)
        return logits.unflatten(2, [features.shape[1], features.shape[2]])
