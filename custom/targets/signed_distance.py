"""The signed distance to the border of the glands, positive inside.

Axes: (h, w), or (1, h, w) with MONAI's channel axis in front; results keep the input's shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage
from skimage.segmentation import find_boundaries

from ..geometry.plane import plane


def signed_distance(label: Any, mpp: float) -> np.ndarray:
    """Distance from each pixel to the nearest border of a gland, in µm, positive inside and negative outside.

    Each gland has its own distance, so the map falls to the border's value between touching glands. A pixel's distance
    is that from its centre to the nearest centre across the border, less half a pixel: the zero lies on the edge
    between two pixels, no pixel is 0, and the sign is the mask. (Along diagonals the true edge is up to 0.2 px
    nearer.) The border of the image is not a border of a gland: what lies beyond it is unknown.

    Args:
        label: (h, w) or (1, h, w) instance ids >= 0, 0 = background. Every pixel of one id is one gland: give a binary
            mask through `instance_ids` first.
        mpp: Size of a pixel in µm, > 0.

    Returns:
        float32 of the input's shape, in µm, not cut. Without any gland -(h + w) * mpp everywhere; +(h + w) * mpp where
        one gland fills the image: beyond any distance that can occur.

    Raises:
        ValueError: If the shape is not that of a plane, an id is not a whole number >= 0, or mpp is not > 0.
    """
    _positive(mpp=mpp)
    ids = plane(label)
    if ids.dtype.kind != "b" and (ids.min() < 0 or (ids.dtype.kind == "f" and (ids != np.round(ids)).any())):
        raise ValueError("instance ids are whole numbers >= 0, got negative ones or fractions")
    ids = ids.astype(np.int32)
    far = float(sum(ids.shape))
    glands = ids > 0
    distance = np.full(ids.shape, -far, dtype=np.float32)
    if glands.any() and not glands.all():
        distance = 0.5 - ndimage.distance_transform_edt(~glands).astype(np.float32)
    for gland, box in enumerate(ndimage.find_objects(ids), start=1):
        if box is None:
            continue
        # One pixel around the box holds the nearest other pixel of every pixel of the gland (project it onto the box),
        # so the transform of the box is that of the image.
        around = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in box)
        inside = ids[around] == gland
        if inside.all():
            distance[around] = far
        else:
            np.copyto(distance[around], ndimage.distance_transform_edt(inside) - 0.5, where=inside, casting="same_kind")
    return (distance * np.float32(mpp)).reshape(np.shape(label))


def clip_distance(distance: Any, distance_um: float) -> np.ndarray:
    """Cut a signed distance and scale it to [-1, 1], the range of the network's tanh: clip(d / distance_um, -1, 1).

    Args:
        distance: Signed distance in µm, any shape.
        distance_um: The distance from the border at which the map reaches 1, in µm, > 0.

    Returns:
        float32 of the input's shape, in [-1, 1].

    Raises:
        ValueError: If distance_um is not > 0.
    """
    _positive(distance_um=distance_um)
    return np.clip(np.asarray(distance, dtype=np.float32) / np.float32(distance_um), -1.0, 1.0)


def signed_distance_per_image(mask: Any) -> np.ndarray:
    """The signed distance as Semi-MoE's released code trains it: the whole mask, each side divided by its own maximum.

    Positive inside; the innermost ring of gland pixels is 0. Because the sides are scaled apart and per image, the
    slope jumps at the border and no distance in pixels can be read back: kept for the `paper` configuration. The
    released code divides by zero where one side is empty; here such an image is -1 or +1 everywhere.

    Args:
        mask: (h, w) or (1, h, w), gland where > 0 (ids are not told apart, as in the release).

    Returns:
        float32 of the input's shape, in [-1, 1].

    Raises:
        ValueError: If the shape is not that of a plane.
    """
    glands = plane(mask) > 0
    if glands.all() or not glands.any():
        return np.where(glands, 1.0, -1.0).astype(np.float32).reshape(np.shape(mask))
    inside = ndimage.distance_transform_edt(glands)
    outside = ndimage.distance_transform_edt(~glands)
    distance = inside / inside.max() - outside / outside.max()
    distance[find_boundaries(glands, mode="inner")] = 0.0
    return distance.astype(np.float32).reshape(np.shape(mask))


def _positive(**sizes: float) -> None:
    """Refuse a size that is not > 0 (NaN included), naming it."""
    for name, size in sizes.items():
        if not size > 0:
            raise ValueError(f"{name} must be > 0, got {size}")
