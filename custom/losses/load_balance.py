"""A loss on a gate. Axes: n tokens or images, e experts, m modalities."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def load_balance_loss(weights: Tensor, modality: Tensor, modalities: int) -> Tensor:
    """How unevenly a gate loads its experts within each modality, `e Σ_e f_e P_e`: 1 where all are used alike.

    f is the share of a modality's tokens whose favourite the expert is (a count, no gradient), P its mean weight over
    them, from the full softmax (Fedus et al. 2022, eq. 4 to 6). Taken within a modality: over all of them an even load
    would be wrong where each has its expert.

    Args:
        weights: The gate's weights, `(n, e)`, >= 0, the sum over e is 1.
        modality: Modality of each row, `(n,)`, int64, in [0, m).
        modalities: Number of modalities, m.

    Returns:
        The mean over the modalities that occur, a scalar in (0, e].

    Raises:
        ValueError: A shape differs.

    Example:
        >>> load_balance_loss(torch.full((4, 2), 0.5), torch.tensor([0, 0, 1, 1]), modalities=2)
        tensor(1.)
    """
    if weights.ndim != 2 or modality.shape != weights.shape[:1]:
        found = f"{tuple(weights.shape)} and {tuple(modality.shape)}"
        raise ValueError(f"weights and modality: got {found}, wanted (n, e) and (n,)")
    experts = weights.shape[1]
    favourite = F.one_hot(weights.detach().argmax(dim=1), experts).to(weights.dtype)
    count = torch.bincount(modality, minlength=modalities).to(weights.dtype)
    zeros = weights.new_zeros(modalities, experts)
    scale = 1 / count.clamp(min=1)[:, None]
    load, importance = (zeros.index_add(0, modality, values) * scale for values in (favourite, weights))
    return experts * (load * importance).sum() / (count > 0).sum()
