"""Batch norm for images of several modalities. Axes: b images, c channels, h and w rows and columns."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn


class ModalityNorm(nn.Module):
    """A batch norm of its own for every modality, statistics and scale, while the convolutions around it are shared.

    CT and MR have other statistics, and one batch norm for both spends the shared weights on making up for that
    (domain-specific batch normalisation, Chang et al. 2019, arXiv 1906.03950; for unpaired CT and MR Dou et al. 2020,
    arXiv 2001.03111). It costs four numbers a channel and modality.

    Args:
        norm: what each modality starts as a copy of, statistics included.
        modalities: their names, in the order of their numbers.

    Example:
        >>> norm = ModalityNorm(nn.BatchNorm2d(4), ["ct", "mr"])
        >>> norm(torch.rand(3, 4, 8, 8), counts=[1, 2]).shape  # one image is CT, two are MR
        torch.Size([3, 4, 8, 8])
    """

    def __init__(self, norm: nn.BatchNorm2d, modalities: Sequence[str]) -> None:
        super().__init__()
        self.norms = nn.ModuleDict({name: copy.deepcopy(norm) for name in modalities})
        self.takes_counts = True

    def forward(self, x: torch.Tensor, counts: list[int]) -> torch.Tensor:
        """Normalise.

        Args:
            x: `(b, c, h, w)`, the images in the order of their modalities.
            counts: how many images each modality has; they add up to b.

        Returns:
            The same shape.
        """
        normed: list[torch.Tensor] = []
        start = 0
        for index, norm in enumerate(self.norms.values()):
            if counts[index] > 0:
                normed.append(norm(x[start : start + counts[index]]))
                start += counts[index]
        return normed[0] if len(normed) == 1 else torch.cat(normed)


def split_norms(module: nn.Module, modalities: Sequence[str]) -> None:
    """Put a `ModalityNorm` in the place of every batch norm of a network, in place.

    Args:
        module: its sequences are `Layers`, which hand the counts on.
        modalities: as in `ModalityNorm`.
    """
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, ModalityNorm(child, modalities))
        else:
            split_norms(child, modalities)
