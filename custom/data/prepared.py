"""What `prepare` writes of a data set of any medium, item by item, and how it is checked before it is learnt."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ..checks import RequestError, raise_problems
from .datalist import FILE_NAME, DataList, Item, read
from .progress import progress
from .record import Record

# More than this on the contact sheet cannot be looked at; without outlines only the kind of image is to be seen.
_CELLS, _UNLABELLED_CELLS = 400, 16
SHEET_NAME = "contact_sheet.png"
_WRITTEN = {FILE_NAME, "images", "labels", SHEET_NAME}


def check_output(output: Path, source: Path) -> str:
    """Refuse an output that `prepare` may not replace.

    Args:
        output: What will be written.
        source: Where the data set is read from.

    Returns:
        The name of the data set that will be replaced; empty where there is none.

    Raises:
        RequestError: Output and source overlap, or the output holds what `prepare` did not write.
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
    if FILE_NAME not in names or "command" not in (earlier := read(output).head):
        raise RequestError(f"{output}: not empty and not written by prepare, wanted a new directory for --output")
    if foreign := sorted(names - _WRITTEN):
        raise RequestError(f"{output}: holds {foreign[0]}, which prepare did not write and would delete; move it away")
    return str(earlier["name"])


def write_items(
    folder: Path, sections: Mapping[str, Sequence[Record]], thing: str, write_one: Callable[[str, Record], Item]
) -> tuple[dict[str, list[Item]], dict[str, str]]:
    """Check and write every record of a data set, each opened once.

    Args:
        folder: Where `images/` and `labels/` are made. Nothing of it is kept by the caller if this raises.
        sections: Section to its records.
        thing: What a record is called, in the singular.
        write_one: Gets a section and a record of it, checks the record, writes its files, and gives the item's own
            part: `image`, perhaps `label`, relative to `folder`.

    Returns:
        Section to its items, and each file's checksum, by which `check_items` knows it again.

    Raises:
        RequestError: Something is wrong with one of them; the first three are named.
    """
    for name in ("images", "labels"):
        (folder / name).mkdir()
    items: dict[str, list[Item]] = {name: [] for name in sections}
    checksums: dict[str, str] = {}
    problems = []
    every = [(name, record) for name, records in sections.items() for record in records]
    for name, record in progress(every, "checking and writing", thing):
        try:
            item = write_one(name, record)
        except RequestError as error:
            problems.append(str(error))
            continue
        checksums |= {item[key]: _checksum(folder / item[key]) for key in ("image", "label") if key in item}
        items[name].append({**item, "id": record.id, "patient": record.patient})
    raise_problems(problems, len(every), f"{thing}s")
    return items, checksums


def check_items(
    data_list: DataList, sections: Iterable[str], thing: str, open_one: Callable[[Item], Iterable[str]]
) -> None:
    """Open every item once, since what breaks in a loader's worker loses its name; not those that `prepare` opened.

    Args:
        data_list: The prepared data set.
        sections: Those that will be used; the others are not looked at.
        thing: What an item is called, in the singular.
        open_one: Decodes an item, and gives remarks for the log.

    Raises:
        RequestError: An item cannot be used; the first three are named.
    """
    items = [item for section in sections for item in data_list.items(section)]
    problems = []
    for item in progress(items, f"checking {thing}s", thing):
        files = [Path(item[key]) for key in ("image", "label") if key in item]
        if all(data_list.checksum_of(file) == _checksum(file) for file in files):
            continue
        try:
            for remark in open_one(item):
                logging.getLogger(__name__).info(remark)
        except RequestError as error:
            problems.append(str(error))
    raise_problems(problems, len(items), f"{thing}s")


def check_duplicates(
    sections: Mapping[str, Sequence[Record]], digests: Mapping[str, str], thing: str, within: bool = False
) -> None:
    """Refuse what is there twice: one that is learnt must not be tested.

    Args:
        sections: Section to its records.
        digests: Record's id to a hash of its voxels or pixels.
        thing: What a record is called.
        within: Whether two of one section are refused too.

    Raises:
        RequestError: Two are the same.
    """
    seen: dict[str, tuple[str, Record]] = {}
    problems = []
    for name, records in sections.items():
        for record in records:
            section, other = seen.setdefault(digests[record.id], (name, record))
            if section != name:
                problems.append(f"{record.image}: in {name}, the same {thing} as {other.image} in {section}")
            elif within and other is not record:
                problems.append(f"{record.image}: the same {thing} as {other.image}")
    raise_problems(problems, sum(map(len, sections.values())), f"{thing}s")


def written(output: Path, earlier: str) -> list[str]:
    """The last lines of a summary.

    Args:
        output: What was written.
        earlier: The name of the data set that it replaced; empty where there was none.
    """
    lines = [f'replaced the earlier data set "{earlier}" in {output}'] if earlier else []
    return [*lines, f"written to {output}; look at {output / SHEET_NAME} before you train"]


def on_sheet(sections: Mapping[str, Sequence[Record]]) -> set[str]:
    """The ids on the contact sheet: all, or evenly spread ones where there are too many.

    Args:
        sections: Section to its records.
    """
    outlined = [record.id for name, records in sections.items() if name != "unlabelled" for record in records]
    plain = [record.id for record in sections["unlabelled"]]
    groups = ((outlined, _CELLS), (plain, _UNLABELLED_CELLS))
    return {one for ids, most in groups for one in ids[:: max(1, -(-len(ids) // most))]}


def _checksum(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RequestError(f"{path}: cannot be read ({error.strerror or error})") from error
