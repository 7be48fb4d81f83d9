"""Paths that a user names: what is there, and whether it can be written to."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import RequestError
from .running import loading


def directory(path: str | os.PathLike[str]) -> Path:
    """Check that a directory exists.

    Args:
        path: The directory.

    Returns:
        The same path.

    Raises:
        RequestError: Nothing is there, or not a directory.
    """
    if not Path(path).is_dir():
        found = "a file" if Path(path).exists() else "nothing"
        raise RequestError(f"{path}: found {found}, wanted a directory")
    return Path(path)


def output_dir(path: str | os.PathLike[str]) -> Path:
    """Make a directory for results, with its parents, and check that files can be written there.

    Nothing is made where `monai.bundle.load` wants the network alone.

    Args:
        path: The directory; may exist.

    Returns:
        The same path.

    Raises:
        RequestError: It cannot be made or written to; the system's reason is given.
    """
    if loading():
        return Path(path)
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise RequestError(f"{path}: found {error.strerror}, wanted a directory that can be written to") from error
    return Path(path)
