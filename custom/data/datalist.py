"""`datalist.json`: what is where in a prepared data set."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checks import RequestError
from .record import Record
from .source_file import SourceFile

FILE_NAME = "datalist.json"
# The sections that every data set has, though they may be empty.
SECTIONS = ("training", "unlabelled", "validation")
FOR_TRAINING = ("training", "unlabelled")
# What describes the whole set.
DESCRIPTION = (
    "name", "mpp", "mean", "std", "seed", "command", "modalities", "spacing", "labels", "one_piece", "intensities",
    "test_sections", "checksums",
)  # fmt: skip

_WORDS = ("id", "patient", "modality")  # of an item
_LARGEST = 1e30

Item = dict[str, Any]


@dataclass(frozen=True)
class DataList:
    """A prepared data set as its `datalist.json` describes it, read once.

    Attributes:
        folder: The directory that `prepare` wrote, absolute.
        head: What describes the whole set, by the keys of `DESCRIPTION` that are given.
        sections: Section to its items; paths are relative to `folder`.
        digest: SHA-256 of the file.
    """

    folder: Path
    head: Mapping[str, Any]
    sections: Mapping[str, Sequence[Item]]
    digest: str

    @property
    def path(self) -> Path:
        """The file itself, for messages."""
        return self.folder / FILE_NAME

    @property
    def test_sections(self) -> list[str]:
        """Names of the sections that are kept for evaluations, in the file's order."""
        return [name for name in self.sections if name not in SECTIONS]

    @property
    def fingerprint(self) -> str:
        """What tells one data set from another, wherever it lies, for example `glas 3f2a9c04b1de`."""
        return f"{self.head['name']} {self.digest[:12]}"

    @property
    def trained_patients(self) -> set[str]:
        """The patients whose images are learnt from, labelled or not, as far as they are known."""
        items = [item for section in FOR_TRAINING for item in self.sections.get(section, ())]
        return {str(item["patient"]) for item in items if item.get("patient")}

    def checksum_of(self, file: Path) -> str | None:
        """SHA-256 that a file had when `prepare` checked it with its label; None where that is not known.

        Args:
            file: Absolute.
        """
        if not file.is_relative_to(self.folder):
            return None  # a list written by hand may name files elsewhere
        checksums: Mapping[str, str] = self.head.get("checksums", {})
        if checksums.get("pairs") != _digest(self.head.get("labels"), self.sections):
            return None  # what was declared or paired later was not checked
        return checksums.get(file.relative_to(self.folder).as_posix())

    def items(self, section: str) -> list[Item]:
        """The items of one section, ready for a MONAI data set; none where there is no such section.

        Args:
            section: Its name.

        Returns:
            Items with absolute paths under `image` and `label` (never a label in `unlabelled`), and `id` and `patient`.

        Raises:
            RequestError: A file is missing.
        """
        items: list[Item] = []
        for item in self.sections.get(section, ()):
            paths: Item = {key: str(self.folder / item[key]) for key in ("image", "label") if key in item}
            for path in paths.values():
                if not os.path.isfile(path):
                    raise RequestError(f"{path}: missing, wanted as {section} of {self.path} says")
            items.append({**item, **paths, "patient": item.get("patient", "")})
        return items


def read(dataset_dir: str | os.PathLike[str]) -> DataList:
    """Read and check a data list.

    Args:
        dataset_dir: The directory that `prepare` wrote.

    Returns:
        What it holds. A list without `test_sections`, as 0.1.0 wrote it, has its test sections under any other key.

    Raises:
        RequestError: The directory or the file is missing, or the file is not as described.
    """
    path = Path(os.path.abspath(dataset_dir)) / FILE_NAME
    try:
        text = path.read_bytes()
        content = json.loads(text)
    except FileNotFoundError as error:
        wanted = "a directory that 'python -m custom prepare' wrote"
        raise RequestError(f"{dataset_dir}: no {FILE_NAME} there, wanted {wanted}") from error
    except OSError as error:
        raise RequestError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path}: not JSON ({error})") from error
    if not isinstance(content, dict) or "name" not in content or "training" not in content:
        raise RequestError(f"{path}: wanted an object with at least 'name' and 'training'")
    if not isinstance(content["name"], str) or not content["name"]:
        raise RequestError(f"{path}: found the name {content['name']!r}, wanted a text")
    _check_description(path, content)
    sections = {name: content[name] for name in _section_names(path, content)}
    for name, items in sections.items():
        _check_section(path, name, items)
    head = {key: content[key] for key in DESCRIPTION if key in content}
    return DataList(path.parent, head, sections, hashlib.sha256(text).hexdigest())


def write(
    folder: Path, head: Mapping[str, Any], sections: Mapping[str, Sequence[Item]], checksums: Mapping[str, str]
) -> None:
    """Write a data list.

    Args:
        folder: Where it goes.
        head: What describes the whole set; `test_sections` is added.
        sections: Section to its items, with paths relative to `folder`.
        checksums: Each file's SHA-256, by its path; that of what was checked with what is added.
    """
    tests = [name for name in sections if name not in SECTIONS]
    checked = {"pairs": _digest(head.get("labels"), sections), **checksums}
    content = {**head, "test_sections": tests, **sections, "checksums": checked}
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def record_of(item: Mapping[str, Any]) -> Record:
    """An item as a record, to be decoded.

    Args:
        item: As `DataList.items` gives it.
    """
    label = SourceFile(Path(item["label"])) if "label" in item else None
    return Record(item["id"], "", SourceFile(Path(item["image"])), label)


def _digest(labels: object, sections: Mapping[str, Sequence[Item]]) -> str:
    pairs = sorted([item["image"], item.get("label", "")] for items in sections.values() for item in items)
    return hashlib.sha256(json.dumps([labels, pairs]).encode()).hexdigest()


def _section_names(path: Path, content: Mapping[str, Any]) -> list[str]:
    others = [name for name in content if name not in DESCRIPTION]
    if "test_sections" not in content:
        return others
    tests = content["test_sections"]
    if not isinstance(tests, list) or not all(name in others for name in tests):
        raise RequestError(f"{path}: found test_sections {tests!r}, wanted a list of sections that are there")
    if unknown := [name for name in others if name not in (*SECTIONS, *tests)]:
        wanted = f"wanted a section that test_sections names, or one of {', '.join(SECTIONS)}"
        raise RequestError(f"{path}: found {unknown[0]!r}, {wanted}")
    return others


def _check_description(path: Path, content: Mapping[str, Any]) -> None:
    mpp = content.get("mpp")
    if mpp is not None and not (_is_number(mpp) and mpp > 0):
        raise RequestError(f"{path}: found mpp {mpp!r}, wanted µm a pixel")
    for key in ("mean", "std"):
        value = content.get(key)
        if key in content and not (isinstance(value, list) and len(value) == 3 and all(map(_is_number, value))):
            raise RequestError(f"{path}: found {key} {value!r}, wanted a number for each of three channels")
    if not isinstance(content.get("checksums", {}), dict):
        raise RequestError(f"{path}: found checksums {content['checksums']!r}, wanted the SHA-256 of each file")


def _is_number(value: object) -> bool:
    """Whether a value from JSON is a finite number; Python's JSON knows NaN, and whole numbers of any length."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def _check_section(path: Path, name: str, items: object) -> None:
    if not isinstance(items, list):
        raise RequestError(f"{path}: {name!r} is no list of items")
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("image"), str) or "id" not in item:
            raise RequestError(f"{path}: an item of {name!r} has no 'image' and 'id': {item!r}")
        if odd := [key for key in _WORDS if not isinstance(item.get(key, ""), str | int)]:
            found = f"found the {odd[0]} {item[odd[0]]!r} in {name!r}"
            raise RequestError(f"{path}: {found}, wanted a text")
        if name == "unlabelled" and "label" in item:
            raise RequestError(f"{path}: {item['id']} is unlabelled and has a label, wanted none")
        if name != "unlabelled" and not isinstance(item.get("label"), str):
            raise RequestError(f"{path}: {item['id']} in {name!r} has no label")
