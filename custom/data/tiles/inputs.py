"""Tiles in a directory, for inference."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from .. import inputs
from ..datalist import Item
from ..images import IMAGE_SUFFIXES, decode_image
from ..source_file import SourceFile, files_below


def listing(directory: str | os.PathLike[str]) -> list[str]:
    """All images below a directory, in the order of their names; at least one.

    Args:
        directory: The directory, or one image.

    Raises:
        RequestError: Nothing is there, or no image is.
    """
    return files_below(directory, IMAGE_SUFFIXES, "image")


def readable(paths: Sequence[str]) -> list[Item]:
    """The images that can be read, as items with `image`; the others are named in the log.

    Args:
        paths: As `listing` gives them.

    Raises:
        RequestError: None can be read.
    """
    return inputs.readable(paths, "image", _open)


def _open(path: str) -> list[Item]:
    decoded = decode_image(SourceFile(Path(path)))
    if decoded.note:
        logging.getLogger(__name__).info("%s: %s", path, decoded.note)
    return [{"image": path}]
