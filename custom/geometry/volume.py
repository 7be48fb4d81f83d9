"""Volumes as a network sees them: turned upright, slice by slice at the network's own spacing.

Axes: x, y, z upright as `turn` says, which for axial slices is to the patient's right, front and head (RAS), in voxels
of the file; k slices, u and v the pixels of a slice (x and y at the network's spacing), c channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing
from monai.utils import convert_to_tensor

from .resize import resize
from .turn import Turn


def to_ras(voxels: torch.Tensor, affine: Any) -> MetaTensor:
    """Turn a volume upright, as near to RAS as its slices let it: axes are swapped and flipped, no voxel changes.

    Args:
        voxels: (t, x, y, z) in any orientation.
        affine: (4, 4), or (1, 4, 4) as a loader collates it: from voxels to mm, RAS as NIfTI has it.

    Returns:
        The same voxels with their affine and no other metadata; `from_ras` turns back.

    Raises:
        ValueError: If the volume has not four axes.
    """
    if voxels.ndim != 4:
        raise ValueError(f"a volume (t, x, y, z) is needed, got {tuple(voxels.shape)}")
    given = _one(affine)
    turn = Turn.of(given)
    turned = turn.apply(convert_to_tensor(voxels, track_meta=False))
    return MetaTensor(turned, affine=torch.from_numpy(turn.affine(given, voxels.shape[1:])))


def from_ras(values: torch.Tensor, affine: Any) -> torch.Tensor:
    """Turn values on the grid that `to_ras` made back to the grid of the file.

    Args:
        values: (t, x, y, z), upright.
        affine: What `to_ras` was given.

    Returns:
        (t, x, y, z) in the orientation of the file, without metadata.
    """
    return Turn.of(_one(affine)).undo(convert_to_tensor(values, track_meta=False)).contiguous()


def slice_size(volume: MetaTensor, spacing: Sequence[float]) -> tuple[int, int]:
    """How many pixels a slice has at another spacing; the field of view stays.

    Args:
        volume: (t, x, y, z), upright.
        spacing: In mm, along x and y.

    Returns:
        u and v, at least 1.
    """
    own = affine_to_spacing(volume.affine, r=3)
    u, v = (
        max(1, round(side * float(step) / wanted))
        for side, step, wanted in zip(volume.shape[1:3], own, spacing, strict=False)
    )
    return u, v


def neighbours(volume: torch.Tensor, indices: Sequence[int], size: Sequence[int]) -> torch.Tensor:
    """Stack each slice between the two beside it; beyond the ends the last slice is repeated.

    Args:
        volume: (x, y, z), upright.
        indices: The k slices wanted, along z.
        size: u and v of the result; bilinear, low-pass filtered where it shrinks.

    Returns:
        (k, 3, u, v): the slice below, the slice itself, the slice above.
    """
    beside = torch.tensor([[index - 1, index, index + 1] for index in indices]).clamp(0, volume.shape[2] - 1)
    needed, places = beside.unique(return_inverse=True)
    slices = volume[..., needed.to(volume.device)].permute(2, 0, 1)[:, None].float()
    return resize(slices, size)[places.to(volume.device), 0]


def _one(affine: Any) -> torch.Tensor:
    return torch.as_tensor(affine).detach().cpu().reshape(-1, 4, 4)[0]
