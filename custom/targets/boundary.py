"""Targets of the boundary expert.

Axes: (h, w), or (1, h, w) with MONAI's channel axis in front; results keep the input's shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage
from skimage.morphology import disk

from ..geometry.plane import plane


def boundary_band(distance: Any, boundary_um: float) -> np.ndarray:
    """The band around each gland's border: |distance| <= boundary_um / 2.

    Taken from the distance per gland, so the border between touching glands is in it. A border pixel's centre is half
    a pixel from the border: a band narrower than one pixel is empty.

    Args:
        distance: Signed distance in µm, not cut, any shape (`signed_distance`).
        boundary_um: Width of the whole band in µm, > 0.

    Returns:
        uint8 of the input's shape, 1 in the band.

    Raises:
        ValueError: If boundary_um is not > 0.
    """
    if not boundary_um > 0:
        raise ValueError(f"boundary_um must be > 0, got {boundary_um}")
    return (np.abs(np.asarray(distance)) <= boundary_um / 2).astype(np.uint8)


def outer_ring(mask: Any, width_px: int = 2) -> np.ndarray:
    """The boundary as Semi-MoE's released code trains it: the dilation of the binary mask by a disk, without the mask.

    It lies outside the glands, and touching glands have none between them: kept for the `paper` configuration.

    Args:
        mask: (h, w) or (1, h, w), gland where > 0.
        width_px: Radius of the disk in pixels, >= 1.

    Returns:
        uint8 of the input's shape, 1 in the ring.

    Raises:
        ValueError: If the shape is not that of a plane or width_px is not >= 1.
    """
    if width_px < 1:
        raise ValueError(f"width_px must be >= 1, got {width_px}")
    glands = plane(mask) > 0
    ring = ndimage.binary_dilation(glands, disk(width_px)) & ~glands
    return ring.astype(np.uint8).reshape(np.shape(mask))
