"""CutMix on batches. Axes: b images, c channels, h and w the two spatial axes."""

from __future__ import annotations

import torch


def cutmix_boxes(
    batch: int,
    height: int,
    width: int,
    generator: torch.Generator | None = None,
    prob: float = 0.7,
    area_range: tuple[float, float] = (0.1, 0.4),
    ratio_range: tuple[float, float] = (0.5, 2.0),
) -> torch.Tensor:
    """Draw one box, wholly inside, for each image of a batch, or none (CutMix, Yun et al. 2019).

    Args:
        batch: b.
        height: h.
        width: w.
        generator: A CPU generator; None takes torch's global one. Five numbers per image are drawn, always.
        prob: Chance that an image gets a box.
        area_range: Smallest and largest share of the image's area, uniform; rounding and the image's sides may cut it.
        ratio_range: Smallest and largest ratio of the sides, log-uniform.

    Returns:
        `(b, 1, h, w)` bool on the CPU, True inside the box.

    Raises:
        ValueError: An argument is out of its range.
    """
    if not 0 <= prob <= 1:
        raise ValueError(f"prob: got {prob}, wanted within [0, 1]")
    if not 0 <= area_range[0] <= area_range[1] <= 1:
        raise ValueError(f"area_range: got {area_range}, wanted 0 <= smallest <= largest <= 1")
    if not 0 < ratio_range[0] <= ratio_range[1]:
        raise ValueError(f"ratio_range: got {ratio_range}, wanted 0 < smallest <= largest")
    used, area, ratio, top, left = torch.rand(5, batch, generator=generator, dtype=torch.float64)
    area = (area_range[0] + area * (area_range[1] - area_range[0])) * height * width
    low, high = torch.tensor(ratio_range, dtype=torch.float64).log()
    ratio = torch.exp(low + ratio * (high - low))
    inside_h = _span((area * ratio).sqrt(), top, height)
    inside_w = _span((area / ratio).sqrt(), left, width)
    box = inside_h[:, :, None] & inside_w[:, None, :] & (used < prob)[:, None, None]
    return box[:, None]


def _span(length: torch.Tensor, place: torch.Tensor, pixels: int) -> torch.Tensor:
    """`(b, pixels)` bool: True in one run of `length` pixels (at most all) at a place drawn from [0, 1)."""
    whole = length.round().clamp(max=pixels)
    start = (place * (pixels - whole + 1)).floor()[:, None]
    index = torch.arange(pixels)
    return (index >= start) & (index < start + whole[:, None])


def mix(tensor: torch.Tensor, partner_index: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
    """Paste, inside each box, what the partner image has there; the same call serves views, pseudo-labels and weights.

    Args:
        tensor: `(b, c, h, w)`, of any type.
        partner_index: `(b,)` int64, the partner of each image within the batch, as `torch.arange(b).roll(1)`.
        box: `(b, 1, h, w)` bool.

    Returns:
        `(b, c, h, w)`, a new tensor.

    Raises:
        ValueError: A shape or a type differs.
    """
    if tensor.ndim != 4:
        raise ValueError(f"tensor: got shape {tuple(tensor.shape)}, wanted (b, c, h, w)")
    wanted = (tensor.shape[0], 1, *tensor.shape[2:])
    if box.shape != wanted or box.dtype != torch.bool:
        raise ValueError(f"box: got {tuple(box.shape)} of {box.dtype}, wanted {wanted} of torch.bool")
    if partner_index.shape != tensor.shape[:1] or partner_index.dtype != torch.int64:
        got = f"{tuple(partner_index.shape)} of {partner_index.dtype}"
        raise ValueError(f"partner_index: got {got}, wanted ({tensor.shape[0]},) of torch.int64")
    return torch.where(box.to(tensor.device), tensor[partner_index.to(tensor.device)], tensor)
