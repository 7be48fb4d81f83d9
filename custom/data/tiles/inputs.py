"""Tiles in a directory, for inference."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ...checks import RequestError
from .. import inputs
from ..datalist import Item
from ..images import IMAGE_SUFFIXES, decode_image
from ..memory import free_bytes
from ..pixel_size import check_mpp, check_same
from ..source_file import SourceFile, files_below


def listing(directory: str | os.PathLike[str], output_dir: str | os.PathLike[str] | None = None) -> list[str]:
    """All images below a directory, in the order of their names; at least one. Masks beside images are none.

    Args:
        directory: The directory, or one image.
        output_dir: Where results go; what lies there is no input.

    Raises:
        RequestError: Nothing is there, or no image is.
    """
    return files_below(directory, IMAGE_SUFFIXES, "image", output_dir)


def readable(
    paths: Sequence[str], mpp: float | None = None, most_bytes: Callable[[int, int], float] | None = None
) -> list[Item]:
    """The images that can be read, as items with `image`; the others are named in the log.

    Args:
        paths: As `listing` gives them.
        mpp: Size of a pixel in µm; images whose files state another one are left out. None: not compared.
        most_bytes: How much memory an image of some height and width takes; what has no room is left out.

    Raises:
        RequestError: None can be read, or `mpp` is out of range.
    """
    if mpp is not None:
        check_mpp(mpp)
    return inputs.readable(paths, "image", functools.partial(_open, mpp=mpp, most_bytes=most_bytes))


def _open(path: str, mpp: float | None, most_bytes: Callable[[int, int], float] | None) -> list[Item]:
    file = SourceFile(Path(path))
    decoded = decode_image(file)
    check_same(file, decoded.mpp, mpp)
    height, width = decoded.rgb.shape[:2]
    if most_bytes is not None and (needed := most_bytes(height, width)) > (free := free_bytes()):
        found = f"{width} x {height} pixels need about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} are free"
        raise RequestError(f"{file}: {found}; cut it into tiles, or give --views 1")
    if decoded.note:
        logging.getLogger(__name__).info("%s: %s", file, decoded.note)
    return [{"image": path}]
