"""How MONAI loads tiles: what `prepare` and the checks accept is what training and inference see."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection, PathLike
from monai.data import PILReader
from monai.transforms import LoadImaged
from monai.utils import ensure_tuple
from PIL import Image

from ..images import decode_image
from ..source_file import SourceFile


class TileReader(PILReader):
    """MONAI's PIL reader, with the decoder that the checks use: an image is RGB, upright and whole, or it is refused.

    Raises:
        RequestError: As `decode_image` does.
    """

    def read(self, data: Sequence[PathLike] | PathLike | np.ndarray, **kwargs: Any) -> Any:
        """Decode one or several files.

        Args:
            data: Their names.
            kwargs: Not used.

        Returns:
            Pictures, which `get_data` takes.
        """
        found = [Image.fromarray(decode_image(SourceFile(Path(name))).rgb) for name in ensure_tuple(data)]
        return found if len(found) > 1 else found[0]


class LoadTiled(LoadImaged):
    """MONAI's `LoadImaged` with `TileReader` and no other: where one given as an option refuses, MONAI tries its own.

    Args:
        keys: Where an item holds the names of its images.
    """

    def __init__(self, keys: KeysCollection) -> None:
        # A reader that is named here keeps MONAI from choosing one by the suffix.
        super().__init__(keys, "PILReader", ensure_channel_first=True, expanduser=False)

    def __call__(self, data: Mapping[Hashable, Any], reader: Any = None) -> dict[Hashable, Any]:
        """Load the images of an item.

        Args:
            data: The item.
            reader: Instead of `TileReader`.
        """
        return super().__call__(data, reader or TileReader())
