"""Pictures in a directory, for inference: which there are, and which can be read."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from ..checks import RequestError, images

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")


def listing(directory: str | os.PathLike[str]) -> list[str]:
    """All pictures below a directory, in the order of their names.

    Args:
        directory: The directory, or one picture.

    Returns:
        Their paths, at least one.

    Raises:
        RequestError: Nothing is there, or no picture is.
    """
    folder = Path(directory)
    if folder.is_file():
        return [str(folder)]
    if not folder.is_dir():
        raise RequestError(f"{folder}: found nothing, wanted a directory of images")
    found = sorted(str(path) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise RequestError(f"{folder}: found no image, wanted at least one of {', '.join(SUFFIXES)}")
    return found


def readable(paths: list[str]) -> list[dict[str, str]]:
    """The pictures that can be read, as items of a data set; the others are named in the log.

    Args:
        paths: As `listing` gives them.

    Returns:
        Items with `image`.

    Raises:
        RequestError: None can be read.
    """
    items, faults = [], []
    for path in paths:
        try:
            images([{"image": path}])
        except RequestError as error:
            faults.append(str(error))
        else:
            items.append({"image": path})
    if not items:
        raise RequestError("; ".join(faults[:3]))
    for fault in faults:
        logging.getLogger(__name__).error("left out: %s", fault)
    return items
