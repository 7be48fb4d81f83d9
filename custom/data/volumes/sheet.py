"""A volume on the contact sheet: one slice with its organs outlined."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...drawing.sheet import SheetCell
from ...drawing.volume import slice_cell
from ...targets.organ_task import intensity_range
from .files import VolumePair


def volume_cell(
    pair: VolumePair, intensity: Mapping[str, list[float]], channels: Mapping[int, int], caption: str
) -> SheetCell:
    """Draw the middle one of the slices that hold a label; of an unlabelled volume the middle slice.

    Args:
        pair: The volume, in any orientation.
        intensity: Its modality's `window_hu` or `percentiles`.
        channels: Channel by label id.
        caption: What stands under it; the slice's number from the feet is added.

    Returns:
        The cell.
    """
    image = pair.image.upright()
    label = None if pair.label is None else pair.label.upright().values
    depth = image.values.shape[2]
    marked = np.arange(depth) if label is None or not label.any() else np.flatnonzero(label.any(axis=(0, 1)))
    z = int(marked[len(marked) // 2])
    low, high = intensity_range(image.values[::2, ::2], intensity)  # every fourth voxel will do for a look
    plane = np.clip((image.values[..., z].astype(np.float32) - low) / max(high - low, 1e-6), 0, 1)
    drawn = None if label is None else np.vectorize(channels.__getitem__, otypes=[np.uint8])(label[..., z])
    caption += f", slice {z + 1} of {depth}" if depth > 1 else ""
    return slice_cell(plane, drawn, image.spacing[:2], caption)
