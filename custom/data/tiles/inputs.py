"""Pictures in a directory, for inference: which there are, and which can be read."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from tqdm import tqdm

from ...checks import RequestError
from ..datalist import raise_problems
from ..images import IMAGE_SUFFIXES, decode_image
from ..source_file import SourceFile, files_below


def listing(directory: str | os.PathLike[str]) -> list[str]:
    """All pictures below a directory, in the order of their names.

    Args:
        directory: The directory, or one picture.

    Returns:
        Their paths, at least one.

    Raises:
        RequestError: Nothing is there, or no picture is.
    """
    return files_below(directory, IMAGE_SUFFIXES, "image")


def readable(paths: list[str]) -> list[dict[str, str]]:
    """The pictures that can be read, as items of a data set; the others are named in the log.

    Args:
        paths: As `listing` gives them.

    Returns:
        Items with `image`.

    Raises:
        RequestError: None can be read.
    """
    logger = logging.getLogger(__name__)
    items, problems = [], []
    for path in tqdm(paths, desc="checking images", unit="image", delay=2, disable=None, leave=False):
        try:
            decoded = decode_image(SourceFile(Path(path)))
        except RequestError as error:
            problems.append(str(error))
        else:
            items.append({"image": path})
            if decoded.note:
                logger.info("%s: %s", path, decoded.note)
    if not items:
        raise_problems(problems, len(paths))
    for problem in problems:
        logger.error("left out: %s", problem)
    return items
