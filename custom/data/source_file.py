"""Where a data set's files come from: a directory or its owner's zip, read without unpacking anything."""

import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..checks import RequestError

# What operating systems and archivers leave beside a user's files.
LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
_DOUBLE = (".geojson.gz", ".nii.gz")


@dataclass(frozen=True)
class SourceFile:
    """One file of a data set, in a directory or in a zip.

    Args:
        path: The file itself, or the zip that holds it.
        member: Its name in the zip; None for a plain file.
    """

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}:{self.member}"

    @property
    def suffix(self) -> str:
        """The suffix in lower case, `.geojson.gz` and `.nii.gz` counted as one."""
        name = self._name.lower()
        return next((suffix for suffix in _DOUBLE if name.endswith(suffix)), PurePosixPath(name).suffix)

    @property
    def stem(self) -> str:
        """The file's name without its suffix; earlier dots are kept."""
        return self._name[: len(self._name) - len(self.suffix)]

    @property
    def _name(self) -> str:
        return self.path.name if self.member is None else PurePosixPath(self.member).name

    def read(self) -> bytes:
        """The whole content.

        Raises:
            RequestError: The file cannot be read, or the zip's checksum does not hold.
        """
        try:
            if self.member is None:
                return self.path.read_bytes()
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(self.member)
        except OSError as error:
            raise RequestError(f"{self}: cannot be read ({error.strerror or error})") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
            # RuntimeError: the member is encrypted; NotImplementedError: an unknown compression.
            raise RequestError(f"{self}: the zip is damaged or locked ({error}); download it again") from error


def source_files(source: Path) -> dict[str, SourceFile]:
    """Every file under a directory or in a zip, hidden files and the litter of archivers left out.

    Args:
        source: A directory or a zip.

    Returns:
        Files by their path within the source, with `/` between folders, sorted.

    Raises:
        RequestError: There is no such source, it is neither a directory nor a zip, or the zip is damaged or would
            write outside the folder that it is unpacked into.
    """
    if source.is_dir():
        found = {path.relative_to(source).as_posix(): SourceFile(path) for path in _walk(source)}
    elif source.is_file():
        found = {name: SourceFile(source, name) for name in _zip_names(source)}
    else:
        raise RequestError(f"{source}: not found, wanted a directory or a zip")
    kept = {name: file for name, file in found.items() if not _is_litter(name)}
    return dict(sorted(kept.items()))


def files_below(directory: str | os.PathLike[str], suffixes: Sequence[str], what: str) -> list[str]:
    """All files of some kinds below a directory, in the order of their names.

    Args:
        directory: The directory, or one file.
        suffixes: The kinds, as `SourceFile.suffix` has them.
        what: They are called, for the message.

    Returns:
        Their paths, at least one.

    Raises:
        RequestError: Nothing is there, or no such file is.
    """
    folder = Path(directory)
    if folder.is_file():
        return [str(folder)]
    if not folder.is_dir():
        raise RequestError(f"{folder}: not found, wanted a directory or one {what}")
    found = [str(file.path) for file in source_files(folder).values() if file.suffix in suffixes]
    if not found:
        raise RequestError(f"{folder}: found no {what}, wanted at least one of {', '.join(suffixes)}")
    return found


def _walk(source: Path) -> list[Path]:
    # os.walk, since Path.rglob follows no linked folders before Python 3.13 and users link their image folders.
    return [Path(folder, name) for folder, _, names in os.walk(source, followlinks=True) for name in names]


def _is_litter(name: str) -> bool:
    return any(part.startswith(".") or part in LITTER for part in PurePosixPath(name).parts)


def _zip_names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [member.filename for member in archive.infolist() if not member.is_dir()]
    except zipfile.BadZipFile as error:
        raise RequestError(f"{path}: not a whole zip ({error}), wanted a directory or a zip") from error
    except OSError as error:
        raise RequestError(f"{path}: cannot be read ({error.strerror or error})") from error
    for name in names:
        # Nothing is ever unpacked, but a zip with such a name was made to do harm: none of it is trusted.
        if name.startswith("/") or "\\" in name or ":" in name.split("/")[0] or ".." in PurePosixPath(name).parts:
            raise RequestError(f"{path}: holds {name!r}, which would be written outside its folder; refused")
    if len(set(names)) < len(names):
        raise RequestError(f"{path}: holds two files of one name, wanted each once")
    return names
