"""Batch norm for images of several modalities. Axes: b images, c channels, h and w rows and columns."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F


class JoinedNorm(nn.BatchNorm2d):
    """The batch norm of the modalities that learnt together, and one of its own for each that joined later.

    Where all else of a trained network is frozen, its statistics and scales are those of other images, and a modality
    that joins could not make use of its convolutions (domain-specific batch normalisation, Chang et al. 2019, arXiv
    1906.03950; for CT and MR Dou et al. 2020, arXiv 2001.03111). The norm that was there keeps its names in the
    weights.

    Args:
        norm: The norm that was there.
        first: How many modalities it is of, the first in their order.
        joined: Names of the others, which begin as copies of it.

    Example:
        >>> norm = JoinedNorm(nn.BatchNorm2d(4), 2, ["us"])
        >>> norm(torch.rand(3, 4, 8, 8), counts=[1, 0, 2]).shape  # one image of the first modality, two have joined
        torch.Size([3, 4, 8, 8])
    """

    def __init__(self, norm: nn.BatchNorm2d, first: int, joined: Sequence[str]) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum)
        self.load_state_dict(norm.state_dict())
        self.first = first
        self.joined = nn.ModuleDict({name: copy.deepcopy(norm) for name in joined})
        self.takes_counts = True

    def forward(self, x: torch.Tensor, counts: list[int]) -> torch.Tensor:  # type: ignore[override]
        """Normalise.

        Args:
            x: `(b, c, h, w)`, the images in the order of their modalities.
            counts: How many images each modality has; they add up to b.

        Returns:
            The same shape.
        """
        normed: list[torch.Tensor] = []
        start = sum(counts[: self.first])
        if start > 0:
            # As nn.BatchNorm2d, but for its count of batches, which a fixed momentum does not need: no super() in
            # TorchScript.
            own = (self.running_mean, self.running_var, self.weight, self.bias)
            normed.append(F.batch_norm(x[:start], *own, self.training, self.momentum, self.eps))  # type: ignore[arg-type]
        for index, norm in enumerate(self.joined.values()):
            count = counts[self.first + index]
            if count > 0:
                normed.append(norm(x[start : start + count]))
                start += count
        return normed[0] if len(normed) == 1 else torch.cat(normed)

    def start_as(self, new: str, like: str) -> None:
        """Set the norm of a modality that joins to that of another modality.

        Args:
            new: One of `joined`.
            like: Another one, or a modality that was there from the start.
        """
        # Its own tensors are those of the modalities that were there from the start, whose names were to stay.
        own = {name: value for name, value in self.state_dict().items() if not name.startswith("joined.")}
        self.joined[new].load_state_dict(self.joined[like].state_dict() if like in self.joined else own)


def join_norms(module: nn.Module, first: int, joined: Sequence[str]) -> None:
    """Put a `JoinedNorm` in the place of every batch norm of a network, in place.

    Args:
        module: Its sequences are `Layers`, which hand the counts on.
        first: As in `JoinedNorm`.
        joined: As in `JoinedNorm`.
    """
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, JoinedNorm(child, first, joined))
        else:
            join_norms(child, first, joined)


class Layers(nn.Sequential):
    """A sequence whose layers may tell modalities apart: those that have `takes_counts` get the counts, too.

    Example:
        >>> layers = Layers(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8))
        >>> layers(torch.rand(2, 3, 4, 4), []).shape
        torch.Size([2, 8, 4, 4])
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self.takes_counts = True

    def forward(self, x: torch.Tensor, counts: list[int]) -> torch.Tensor:  # type: ignore[override]
        """Run the layers one after the other.

        Args:
            x: What the first layer takes.
            counts: As in `JoinedNorm`; may be empty where no layer tells modalities apart.

        Returns:
            What the last layer gives.
        """
        for layer in self:
            # TorchScript decides it when it compiles.
            x = layer(x, counts) if hasattr(layer, "takes_counts") else layer(x)
        return x
