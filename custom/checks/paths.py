"""Paths that a user names: what is there, and whether it can be written to."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import RequestError


def output_dir(path: str | os.PathLike[str]) -> Path:
    """Make a directory for results, with its parents, and check that files can be written there.

    Args:
        path: The directory; may exist.

    Returns:
        The same path.

    Raises:
        RequestError: It cannot be made or written to; the system's reason is given.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise RequestError(f"{path}: found {error.strerror}, wanted a directory that can be written to") from error
    return Path(path)
