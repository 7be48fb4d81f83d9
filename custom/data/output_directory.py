"""The directory that `prepare` writes: never something of the user's, and there only when it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..checks import RequestError
from . import datalist

_WRITTEN = {datalist.FILE_NAME, "images", "labels", "contact_sheet.png"}


def check_output(output: Path, source: Path) -> str:
    """Refuse an output that `prepare` may not replace.

    Args:
        output: what will be written.
        source: where the data set is read from.

    Returns:
        The name of the data set that will be replaced; empty where there is none.

    Raises:
        RequestError: output and source overlap, or the output holds what `prepare` did not write.
    """
    if output.is_relative_to(source.resolve()) or source.resolve().is_relative_to(output):
        raise RequestError(f"{output}: --output and --source are inside each other, wanted them apart")
    if not output.exists():
        return ""
    if not output.is_dir():
        raise RequestError(f"{output}: is a file, wanted a new directory for --output")
    names = {path.name for path in output.iterdir()}
    if not names:
        return ""
    if datalist.FILE_NAME not in names or "command" not in (earlier := datalist.read(output)):
        raise RequestError(f"{output}: not empty and not written by prepare, wanted a new directory for --output")
    if foreign := sorted(names - _WRITTEN):
        raise RequestError(f"{output}: holds {foreign[0]}, which prepare did not write and would delete; move it away")
    return str(earlier["name"])


@contextmanager
def replaced(output: Path) -> Iterator[Path]:
    """A directory beside `output` that takes its name if all goes well, and vanishes if not.

    Args:
        output: the name that it takes.

    Yields:
        The directory, empty.

    Raises:
        RequestError: something cannot be written.
    """
    fresh = output.with_name(f".{output.name}.partial-{os.getpid()}")
    old = output.with_name(f".{output.name}.old-{os.getpid()}")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        fresh.mkdir()
        yield fresh
        if output.exists():
            output.rename(old)
        fresh.rename(output)
    except OSError as error:
        if old.exists() and not output.exists():
            old.rename(output)
        raise RequestError(f"{error.filename or output}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        if output.exists():
            shutil.rmtree(old, ignore_errors=True)
