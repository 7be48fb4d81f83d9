"""Paths that a user names: what is there, and whether it can be written to."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import RequestError


def output_dir(path: str | os.PathLike[str]) -> Path:
    """Check that files can be written to a directory, or that it can be made; whoever writes to it makes it.

    Args:
        path: The directory; may exist.

    Returns:
        The same path.

    Raises:
        RequestError: It cannot be made or written to; the system's reason is given.
    """
    try:
        whole = Path(path).absolute()
        there = next(one for one in (whole, *whole.parents) if one.exists() or one.is_symlink())
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise RequestError(f"{path}: found {error.strerror}, wanted a directory that can be written to") from error
    return Path(path)
