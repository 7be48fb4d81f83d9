"""How far a pseudo-label is to be trusted, pixel by pixel. Axes: b images, h and w the two spatial axes."""

from __future__ import annotations

import torch

_KINDS = ("none", "confidence", "agreement")


@torch.no_grad()
def agreement_weight(
    mask: torch.Tensor,
    distance: torch.Tensor,
    boundary: torch.Tensor,
    kind: str = "agreement",
    threshold: float = 0.0,
    band: float = 0.5,
) -> torch.Tensor:
    """Weight of each pixel of the teacher's fused outputs, in [0, 1].

    - "none": 1 everywhere.
    - "confidence": `|2p - 1|` with p the mask's probability of gland, 0 below the threshold.
    - "agreement": the confidence where the outputs tell one story, else 0. Two things contradict: a mask (`p > 0.5`)
      against the sign of the distance, and a boundary (`q > 0.5`) seen where the distance says the border is further
      than `band` away. A boundary that is missed near distance 0 does not count: thin bands are learnt last.

    Args:
        mask: Logits `(b, 2, h, w)`, background first.
        distance: Signed distance after tanh `(b, 1, h, w)`, in [-1, 1], positive inside.
        boundary: Logits `(b, 2, h, w)`, outside of the band first.
        kind: "none", "confidence" or "agreement".
        threshold: Confidence below it becomes 0; in [0, 1].
        band: Largest `|distance|` at which a boundary is believed, in units of the distance map; above half the
            band's width, so that the border may be a little off.

    Returns:
        `(b, 1, h, w)` float32, without gradient.

    Raises:
        ValueError: Kind is unknown, a number is out of its range, or a shape differs.

    Example:
        >>> mask = torch.tensor([0.0, 4.0]).view(1, 2, 1, 1)  # p = 0.982
        >>> inside, none = torch.full((1, 1, 1, 1), 0.9), torch.tensor([4.0, 0.0]).view(1, 2, 1, 1)
        >>> round(float(agreement_weight(mask, inside, none)), 3), float(agreement_weight(mask, -inside, none))
        (0.964, 0.0)
    """
    _check_options(kind, threshold, band)
    _check_shapes(mask, distance, boundary)
    if kind == "none":
        return torch.ones_like(distance, dtype=torch.float32)
    probability = torch.softmax(mask.float(), dim=1)[:, 1:]
    weight = (2 * probability - 1).abs()
    weight = weight * (weight >= threshold)
    if kind == "confidence":
        return weight
    same_side = (probability > 0.5) == (distance > 0)
    seen = boundary[:, 1:] > boundary[:, :1]
    return weight * (same_side & ~(seen & (distance.abs() > band)))


def _check_options(kind: str, threshold: float, band: float) -> None:
    if kind not in _KINDS:
        raise ValueError(f"kind: got {kind!r}, wanted one of {_KINDS}")
    if not 0 <= threshold <= 1 or band <= 0:
        raise ValueError(f"threshold and band: got {threshold} and {band}, wanted within [0, 1] and > 0")


def _check_shapes(mask: torch.Tensor, distance: torch.Tensor, boundary: torch.Tensor) -> None:
    if mask.ndim != 4 or mask.shape[1] != 2:
        raise ValueError(f"mask: got shape {tuple(mask.shape)}, wanted (b, 2, h, w)")
    wanted = (mask.shape[0], 1, *mask.shape[2:])
    if distance.shape != wanted:
        raise ValueError(f"distance: got shape {tuple(distance.shape)}, wanted {wanted}")
    if boundary.shape != mask.shape:
        raise ValueError(f"boundary: got shape {tuple(boundary.shape)}, wanted {tuple(mask.shape)}")
