"""How a gate uses its experts.

Axes: b, e, h, w = images, experts, then the two spatial axes of a gate with a weight per pixel.
"""

from __future__ import annotations

from typing import Any

import torch

# A gate whose weights all stay this close to 1/E (mean and spread) makes no choice; the released Semi-MoE gate starts
# within 0.002 of it.
INDIFFERENT = 0.02
# A gate that gives one expert this share of every image, on average, has become that expert.
COLLAPSED = 0.95


def gate_moments(weights: torch.Tensor) -> torch.Tensor:
    """Reduce the gate's weights on a batch to what is kept of each image.

    These are the means over the image's pixels of the weights and of their squares.

    Args:
        weights: (b, e), or (b, e, h, w) for one weight a pixel; >= 0, the sum over e is 1.

    Returns:
        float64 (b, 2, e). Concatenate over batches for `gate_use`.

    Raises:
        ValueError: If the shape is another one.
    """
    if weights.ndim not in (2, 4) or not weights.numel():
        raise ValueError(f"gate weights are (b, e) or (b, e, h, w), got {tuple(weights.shape)}")
    pixels = weights.detach().double().flatten(2) if weights.ndim == 4 else weights.detach().double().unsqueeze(-1)
    return torch.stack([pixels.mean(dim=-1), pixels.square().mean(dim=-1)], dim=1)


def gate_use(moments: torch.Tensor) -> dict[str, Any]:
    """Sum up how one gate weighs its experts over a set of images.

    Args:
        moments: (b, 2, e) of every image (`gate_moments`).

    Returns:
        Per expert, `mean` over images, `spread` (standard deviation over images of the image's mean) and
        `spread_pixels` (standard deviation over all pixels of all images; equal to `spread` where a gate has one
        weight an image). `state`: "indifferent" if every mean is within INDIFFERENT of 1/e and no spread over pixels
        exceeds INDIFFERENT; "collapsed" if one expert's mean is at least COLLAPSED; else "choosing".

    Raises:
        ValueError: If the shape is another one, there is no image, or there are fewer than two experts to choose from.
    """
    if moments.ndim != 3 or moments.shape[1] != 2 or not moments.shape[0] or moments.shape[2] < 2:
        raise ValueError(f"moments are (b, 2, e) with b >= 1 and e >= 2, got {tuple(moments.shape)}")
    means, squares = moments.double().unbind(dim=1)
    mean = means.mean(dim=0)
    spread_pixels = (squares.mean(dim=0) - mean.square()).clamp(min=0).sqrt()
    state = "choosing"
    if bool(((mean - 1 / len(mean)).abs() <= INDIFFERENT).all() and (spread_pixels <= INDIFFERENT).all()):
        state = "indifferent"
    elif mean.max() >= COLLAPSED:
        state = "collapsed"
    return {
        "mean": mean.tolist(),
        "spread": means.std(dim=0, correction=0).tolist(),
        "spread_pixels": spread_pixels.tolist(),
        "state": state,
    }
