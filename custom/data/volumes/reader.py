"""The reader of volumes for MONAI's `LoadImaged`, so that training and inference read what `prepare` checked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import ImageReader
from monai.utils import MetaKeys, SpaceKeys

from ..source_file import SourceFile
from .decode import decode, is_volume


class VolumeReader(ImageReader):
    """Read volumes, and pictures as slices, exactly as `prepare` and the check of inference do.

    MONAI's own readers take another affine where a header states two, know fewer names and fewer pictures.

    Args:
        labels: Whether the files hold ids.

    Example:
        `{"_target_": "LoadImaged", "keys": "image", "reader": "$volumes.VolumeReader()", "ensure_channel_first": true}`
    """

    def __init__(self, labels: bool = False) -> None:
        self.labels = labels

    def verify_suffix(self, filename: Any) -> bool:
        """Whether this reader is for such a file; it is, being named in the config."""
        return True

    def read(self, data: Sequence[str | os.PathLike[str]] | str | os.PathLike[str], **kwargs: Any) -> SourceFile:
        """Take note of a file. It is decoded by `get_data`, since MONAI swallows what is raised here."""
        paths = [data] if isinstance(data, str | os.PathLike) else list(data)
        if len(paths) != 1:
            raise ValueError(f"one file is needed, got {len(paths)}")
        return SourceFile(Path(paths[0]))

    def get_data(self, img: SourceFile) -> tuple[np.ndarray, dict[str, Any]]:
        """Decode it.

        Args:
            img: What `read` gave.

        Returns:
            A volume (x, y, z), or a picture (w, h), and its metadata; of a picture the affine says nothing.

        Raises:
            RequestError: The file cannot be used.
        """
        volume = decode(img, (1.0, 1.0), self.labels)
        # A picture stays one, so that `AsVolumed` gives it the task's spacing.
        values = volume.values if is_volume(img) else volume.values[..., 0]
        affine = volume.affine if is_volume(img) else np.eye(4)
        return np.ascontiguousarray(values), {
            str(MetaKeys.AFFINE): affine,
            str(MetaKeys.ORIGINAL_AFFINE): affine.copy(),
            str(MetaKeys.SPATIAL_SHAPE): np.asarray(values.shape),
            str(MetaKeys.SPACE): SpaceKeys.RAS,
            str(MetaKeys.ORIGINAL_CHANNEL_DIM): float("nan"),
        }
