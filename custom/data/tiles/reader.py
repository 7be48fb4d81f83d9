"""The reader of tiles for MONAI: what `prepare` and the checks accept is what training and inference load."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import PathLike
from monai.data import PILReader
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
