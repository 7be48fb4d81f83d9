"""Where drawn data sets go: a new directory that the user names, or the user's cache."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ...checks import RequestError
from ...files import replacing_directory
from ...place import cache_dir
from ..datalist import FILE_NAME


def draw_into(output: Path, seed: int, draw: Callable[[Path], None]) -> None:
    """Draw into a directory that appears under its name only when it is whole.

    Args:
        output: The directory to write; it must be new or empty.
        seed: Of the drawing, at least 0.
        draw: Writes into the directory it is given.

    Raises:
        RequestError: The seed is out of range, or the directory is not empty or cannot be written.
    """
    if seed < 0:
        raise RequestError(f"--seed: found {seed}, wanted at least 0")
    output = Path(os.path.abspath(output))
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise RequestError(f"{output}: exists and is not empty, wanted a new directory for --output")
    with replacing_directory(output) as fresh:
        draw(fresh)


def draw_once(name: str, what: str, parts: list[str], draw: Callable[[Path], None]) -> list[str]:
    """The set to work on where the user names none: drawn and prepared once, and kept in the user's cache.

    Two processes may call this at once: each draws into a directory of its own, and the first to finish names it.

    Args:
        name: Of the directory in the cache.
        what: It is, for the line that says so.
        parts: The prepared data sets below it; "" for itself.
        draw: Draws and prepares: makes `data` in the directory it is given.

    Returns:
        The directories that hold `datalist.json`, one a part.

    Raises:
        RequestError: The cache cannot be written.
    """
    target = cache_dir() / name
    print(f"no data set given: using {what} in {target}", file=sys.stderr)
    places = [target / part for part in parts]

    def done() -> bool:
        return all((place / FILE_NAME).is_file() for place in places)

    try:
        if not done():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
                draw(Path(scratch))
                try:
                    (Path(scratch) / "data").rename(target)
                except OSError:
                    # Another process was faster: a directory with files in it cannot be renamed over.
                    if not done():
                        raise
    except OSError as error:
        said = f"{target}: cannot be written ({error.strerror or error})"
        raise RequestError(f"{said}; give --dataset_dir") from error
    return [str(place) for place in places]
