"""A user's own folder: `images/` with `masks/`, optional `unlabelled/`, optional `test/images` with `test/masks`."""

import difflib
from collections import defaultdict
from pathlib import Path, PurePosixPath

from ...checks import RequestError, did_you_mean
from ..images import IMAGE_SUFFIXES
from ..record import Record
from ..source_file import SourceFile, named, source_files
from . import qupath

_PAIRS = {"training": ("images/", "masks/"), "test": ("test/images/", "test/masks/")}
_UNLABELLED = ("unlabelled/", "unlabeled/")  # as the British and the Americans write it
_READ = (*(folder for pair in _PAIRS.values() for folder in pair), *_UNLABELLED)
# Lists and notes, which lie beside the folders and are given to prepare by options, or are for people.
_NOTES = (".json", ".csv", ".txt", ".md")


def read(source: Path) -> list[Record]:
    """Pair each image with the mask of its name.

    The id is the name without its suffix; subfolders are put before it, and `test` and `unlabelled`, joined by `_`,
    since ids become file names: `images/a/1.png` is `a_1`, `test/images/1.png` is `test_1`.

    Args:
        source: A directory (or a zip with these folders at its top).

    Returns:
        One record an image. `unlabelled/` gives the section `unlabelled`, `test/` the test section `test`.

    Raises:
        RequestError: No image, two files of one name, a mask without its image, or a file of another kind. A missing
            mask is left for the checks that all data sets share.
    """
    files = source_files(source)
    records: list[Record] = []
    for section, (image_folder, mask_folder) in _PAIRS.items():
        images = _by_id(files, (image_folder,), IMAGE_SUFFIXES)
        masks = _by_id(files, (mask_folder,), IMAGE_SUFFIXES + qupath.SUFFIXES)
        if section == "training" and not images:
            hint = did_you_mean("images", (PurePosixPath(path).parts[0] for path in files if "/" in path))
            wanted = "wanted images/ and masks/ with files of the same names"
            raise RequestError(f"{source}: no image in images/, {wanted}{hint}")
        if lonely := [name for name in masks if name not in images]:
            near = difflib.get_close_matches(lonely[0], images, n=1, cutoff=0.0)
            hint = f"; the nearest image is {images[near[0]]}" if near else ""
            raise RequestError(f"{masks[lonely[0]]}: a mask without its image, wanted {image_folder}{lonely[0]}{hint}")
        prefix = "" if section == "training" else f"{section}_"
        records += [Record(prefix + name, section, file, masks.get(name)) for name, file in images.items()]
    unlabelled = _by_id(files, _UNLABELLED, IMAGE_SUFFIXES)
    records += [Record(f"unlabelled_{name}", "unlabelled", file, None) for name, file in unlabelled.items()]
    return records


def passed_over(source: Path) -> list[str]:
    """What is in the source and is not read, a line each, so that a misspelt folder is seen.

    Args:
        source: As in `read`.
    """
    files_of: dict[str, list[str]] = defaultdict(list)
    for path, file in source_files(source).items():
        parts = PurePosixPath(path).parts
        depth = 2 if parts[0] == "test" and len(parts) > 2 else 1
        folder = "".join(f"{part}/" for part in parts[:depth]) if len(parts) > depth else ""
        if not path.startswith(_READ) and not (len(parts) == 1 and file.suffix in _NOTES):
            files_of[folder].append(path)
    return [
        f"not read: {f'{folder} ({len(paths)} files){did_you_mean(folder, _READ)}' if folder else named(paths)}"
        for folder, paths in files_of.items()
    ]


def _by_id(files: dict[str, SourceFile], folders: tuple[str, ...], suffixes: tuple[str, ...]) -> dict[str, SourceFile]:
    found: dict[str, SourceFile] = {}
    for path, file in files.items():
        if not path.startswith(folders):
            continue
        if file.suffix not in suffixes:
            raise RequestError(f"{file}: found {file.suffix or 'no suffix'}, wanted one of {' '.join(suffixes)}")
        folder = next(one for one in folders if path.startswith(one))
        name = "_".join(PurePosixPath(path).relative_to(folder).with_name(file.stem).parts)
        if name in found:
            raise RequestError(f"{file}: has the same name as {found[name]}, wanted one file a name")
        found[name] = file
    return found
