"""Where a data set's files come from: a directory or its owner's zip, read without unpacking anything."""

import logging
import os
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..checks import RequestError

# What operating systems, archivers and file servers leave beside a user's files, in lower case.
LITTER = {
    "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "$recycle.bin", "system volume information",
    "lost+found", "#recycle", "#snapshot", "@eadir", "@tmp",
}  # fmt: skip
_LITTER_ENDINGS = ("@synoeastream", "@synoresource", ":zone.identifier")
# Of a user's folder and of a prepared data set, beside `images`.
LABEL_FOLDERS = {"masks", "labels"}
_DOUBLE = (".geojson.gz", ".nii.gz")
_NAMED = 3  # of the files that are passed over, these are named; the others are counted


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
        return shown(str(self.path) if self.member is None else f"{self.path}:{self.member}")

    @property
    def suffix(self) -> str:
        """The suffix in lower case, `.geojson.gz` and `.nii.gz` counted as one."""
        name = self._name.lower()
        return next((suffix for suffix in _DOUBLE if name.endswith(suffix)), PurePosixPath(name).suffix)

    @property
    def stem(self) -> str:
        """The file's name without its suffix; earlier dots are kept, and letters with accents are one letter each."""
        return composed(self._name[: len(self._name) - len(self.suffix)])

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


def shown(path: str | os.PathLike[str]) -> str:
    """A path that can be printed: a byte of its name that is no UTF-8 stands as its number.

    Args:
        path: As the system gives it.
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def check_name(name: str | os.PathLike[str]) -> None:
    """Refuse a name that cannot be written into a list or a table.

    Args:
        name: A path.

    Raises:
        RequestError: It holds bytes that are no UTF-8, as names from old disks and zips do.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in str(name)):
        raise RequestError(f"{shown(name)}: the name is no UTF-8 and cannot be written into a list; rename it")


def composed(name: str) -> str:
    """A name with `ü` as one letter, as most systems write it; a Mac takes it apart, and both look the same.

    Args:
        name: Of a file, or an id.
    """
    return unicodedata.normalize("NFC", name)


def source_files(source: Path) -> dict[str, SourceFile]:
    """Every file under a directory or in a zip, hidden files and the litter of other programs left out.

    Args:
        source: A directory or a zip.

    Returns:
        Files by their path within the source, with `/` between folders and accents composed, sorted.

    Raises:
        RequestError: There is no such source, it is neither a directory nor a zip, a folder cannot be read, a name is
            no UTF-8 or looks like another one, or the zip is damaged or would write outside the folder that it is
            unpacked into.
    """
    if source.is_dir():
        pairs = ((name, SourceFile(source / name)) for name in _walk(source))
    elif source.is_file():
        pairs = ((name, SourceFile(source, name)) for name in _zip_names(source) if not _is_litter(name))
    else:
        raise RequestError(f"{shown(source)}: not found, wanted a directory or a zip")
    found: dict[str, SourceFile] = {}
    for name, file in pairs:
        check_name(name)
        other = found.setdefault(composed(name), file)
        if other is not file:
            raise RequestError(f"{file}: there are two files whose names look the same; rename one of them")
    return dict(sorted(found.items()))


def files_below(
    directory: str | os.PathLike[str],
    suffixes: Sequence[str],
    what: str,
    output_dir: str | os.PathLike[str] | None = None,
) -> list[str]:
    """All files of some kinds below a directory, in the order of their names; those of other kinds are logged.

    What lies in `masks` or `labels` beside `images` is not taken: it is labels of these, and no input.

    Args:
        directory: The directory, or one file.
        suffixes: The kinds, as `SourceFile.suffix` has them.
        what: They are called, for the message.
        output_dir: Where results go; those of an earlier run in a folder below `directory` are not taken.

    Returns:
        Their paths, at least one.

    Raises:
        RequestError: Nothing is there, or no such file is.
    """
    folder = Path(directory)
    if folder.is_file():
        return [str(folder)]
    if not folder.is_dir():
        raise RequestError(f"{shown(folder)}: not found, wanted a directory or one {what}")
    names = sorted(_walk(folder))
    out = _results_folder(output_dir, folder)
    results = [name for name in names if out and name.startswith(out)]
    labels = [name for name in names if not (out and name.startswith(out)) and _is_label(name, folder)]
    others = sorted({*names} - {*labels, *results})
    found = [name for name in others if SourceFile(Path(name)).suffix in suffixes]
    if not found:
        seen = f"found no {what}{' but labels' if labels else ''}"
        raise RequestError(f"{shown(folder)}: {seen}, wanted at least one of {', '.join(suffixes)}")
    logger = logging.getLogger(__name__)
    passed_over = {"of other kinds": sorted({*others} - {*found}), "that are labels": labels, "of results": results}
    for kind, left in passed_over.items():
        if left:
            logger.warning("%s: left out %d files %s: %s", shown(folder), len(left), kind, named(left))
    return [str(folder / name) for name in found]


def named(names: Sequence[str]) -> str:
    """The first few of many names, the others counted.

    Args:
        names: Of files, at least one.
    """
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(shown, names[:_NAMED])) + more


def _walk(folder: Path, within: str = "", above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[str]:
    """Paths of all files below a folder, relative to it. Linked folders are followed, since users link their images."""
    try:
        status = os.stat(folder / within)
        entries = list(os.scandir(folder / within))
    except OSError as error:
        raise RequestError(f"{shown(folder / within)}: cannot be read ({error.strerror or error})") from error
    here = (status.st_dev, status.st_ino)
    if here in above:
        return  # a link back to a folder that this one lies in would go round for ever
    for entry in entries:
        name = f"{within}{entry.name}"
        if _is_litter(entry.name):
            continue
        if entry.is_dir():
            yield from _walk(folder, f"{name}/", above | {here})
        elif entry.is_file() or entry.is_symlink():
            yield name


def _results_folder(output_dir: str | os.PathLike[str] | None, top: Path) -> str:
    """Where results go within the folder of inputs, relative to it, as `out/`; empty where they go elsewhere."""
    within = os.path.relpath(output_dir or top, top)
    return "" if within.split(os.sep)[0] in (".", "..") else f"{Path(within).as_posix()}/"


def _is_label(name: str, top: Path) -> bool:
    """Whether a file lies in a folder of labels beside `images`, or is the sheet of a prepared data set."""
    path = PurePosixPath(name)
    beside = any(one.name in LABEL_FOLDERS and (top / one.parent / "images").is_dir() for one in path.parents)
    return beside or (path.name == "contact_sheet.png" and (top / path.parent / "datalist.json").is_file())


def _is_litter(name: str) -> bool:
    parts = [part.lower() for part in PurePosixPath(name).parts]
    return any(part.startswith(".") or part in LITTER or part.endswith(_LITTER_ENDINGS) for part in parts)


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
