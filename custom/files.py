"""Files and directories that are whole or not there: written under a temporary name, then renamed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .checks import RequestError


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary name beside `path`, and rename what was written there to `path` once the block ends well.

    Folders above `path` are made. After an error nothing is left behind and an older `path` stays as it was. What a
    process that was killed left of the same file is removed.

    Args:
        path: The file to make or to replace.

    Yields:
        The name to write to; it ends like `path`, so that writers which look at the ending choose rightly.

    Raises:
        RequestError: Something cannot be written: the disk is full, or the folder is not the user's.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(path)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise RequestError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _remove_left(path: Path) -> None:
    """Remove what is left of a file whose writer is no more, so that a hundred kills leave no hundred checkpoints."""
    for entry in os.scandir(path.parent):
        number = entry.name.removeprefix(".").removesuffix(f".{path.name}")
        if entry.name == f".{number}.{path.name}" and number.isdecimal() and not _runs(int(number)):
            Path(entry.path).unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextlib.contextmanager
def replacing_directory(output: Path) -> Iterator[Path]:
    """A directory beside `output` that takes its name if all goes well, and vanishes if not.

    Args:
        output: The name that it takes.

    Yields:
        The directory, empty.

    Raises:
        RequestError: Something cannot be written.
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


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file, whole or not at all.

    Args:
        path: The file.
        text: What it shall hold; stored as UTF-8 with line ends as they are.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write a JSON file, whole or not at all.

    Args:
        path: The file.
        content: What JSON can hold; anything else is written as its text, and a number that is not finite as null.
    """
    write_text(path, json.dumps(plain(content), indent=4, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        RequestError: If it cannot be read or holds something else.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RequestError(f"{path}: found {error}, wanted a JSON file") from error
    if not isinstance(content, dict):
        raise RequestError(f"{path}: found a {type(content).__name__}, wanted a JSON object")
    return content


def write_image(path: str | os.PathLike[str], image: np.ndarray) -> None:
    """Write a picture, whole or not at all.

    Args:
        path: The file; its ending names the format.
        image: uint8 or uint16 (h, w), or uint8 (h, w, 3).
    """
    with replacing(path) as temporary:
        Image.fromarray(np.ascontiguousarray(image)).save(temporary)


def plain(content: Any) -> Any:
    """What JSON can hold of `content`, which is left as it is.

    Args:
        content: Mappings, sequences, numbers, arrays, texts, or anything that has a text.

    Returns:
        Dictionaries, lists, texts, booleans, integers, finite floats and None.
    """
    if isinstance(content, dict):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple | set):
        return [plain(value) for value in content]
    if hasattr(content, "tolist"):
        return plain(content.tolist())
    if isinstance(content, float):
        return content if np.isfinite(content) else None
    return content if content is None or isinstance(content, str | bool | int) else str(content)


def sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal.

    Args:
        path: The file.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
