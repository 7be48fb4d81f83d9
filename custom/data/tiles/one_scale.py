"""Images of several scanners at one pixel size, so that one number describes a data set wherever it is used."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable

import numpy as np
from PIL import Image

from ...targets import instance_ids
from .pair import Pair

# Below a percent nothing is resampled, as in inference.
_SAME = 0.01


def common_mpp(sizes: Iterable[float]) -> float:
    """The pixel size that most images have, so that the fewest are changed; of two the coarser, which invents nothing.

    Args:
        sizes: Each image's, in µm.
    """
    counts = Counter(sizes)
    return max(counts, key=lambda mpp: (counts[mpp], mpp))


def brought_to(pair: Pair, name: object, own: float, wanted: float) -> Pair:
    """An image and its glands at another pixel size.

    Args:
        pair: As decoded.
        name: Of its file, for the note.
        own: Its pixel size in µm.
        wanted: The one it gets, in µm.

    Returns:
        The same pair where the sizes are one; else a resampled one, with a note. A gland that is thinner than a pixel
        may be lost in it.
    """
    factor = own / wanted
    if abs(factor - 1) <= _SAME:
        return pair
    height, width = pair.image.rgb.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    # Pillow's bilinear filter covers all that a pixel stands for where it shrinks.
    rgb = np.asarray(Image.fromarray(pair.image.rgb).resize(size, Image.Resampling.BILINEAR))
    note = f"brought from {own:g} to {wanted:g} µm a pixel"
    image = dataclasses.replace(pair.image, rgb=rgb, note=note, mpp=wanted)
    instances = None
    if pair.instances is not None:
        nearest = Image.fromarray(pair.instances.astype(np.int32)).resize(size, Image.Resampling.NEAREST)
        instances = _numbered(np.asarray(nearest))
    return dataclasses.replace(pair, image=image, instances=instances, notes=(*pair.notes, f"{name}: {note}"))


def _numbered(ids: np.ndarray) -> np.ndarray:
    """Ids without gaps; a single gland stays one, though it may have come apart."""
    return (ids > 0).astype(np.int32) if len(np.unique(ids[ids > 0])) < 2 else instance_ids(ids)
