"""How inference and volumes are resampled. Axes: k images, c channels, h and w their two spatial axes in any order."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F


def resize(images: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Resample bilinearly, with a low-pass filter where it shrinks; the same pixels where the size stays.

    Args:
        images: `(k, c, h, w)`, floating point.
        size: Height and width of the result.

    Returns:
        `(k, c, *size)`.
    """
    if tuple(images.shape[2:]) == tuple(size):
        return images
    shrinks = size[0] < images.shape[2] or size[1] < images.shape[3]
    return F.interpolate(images, size=list(size), mode="bilinear", align_corners=False, antialias=shrinks)
