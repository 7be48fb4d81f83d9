"""What a data set of volumes is, in one JSON file: its labels, modalities, spacing and the layout of its files."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...checks import RequestError, did_you_mean
from ..datalist import DESCRIPTION
from .values import INTENSITIES, check_intensity, check_labels, check_one_piece, check_spacing, is_pair

_SHIPPED = Path(__file__).with_name("declared")
SHIPPED = ("flare22", "amos22", "atlas23", "btcv", "acdc", "hippocampus")
CASE = "{case}"
FRAME = "{frame}"  # digits that tell several volumes of a case apart
# As the gland recipe's folder; .* stands for any volume or picture.
_FOLDER = [
    {"section": "training", "images": "images/{case}.*", "labels": "labels/{case}.*"},
    {"section": "test", "images": "test/images/{case}.*", "labels": "test/labels/{case}.*"},
    {"section": "unlabelled", "images": "unlabelled/{case}.*"},
]
_NEEDED, _OPTIONAL = ("name", "labels", "spacing", "modalities"), ("layout", "patient", "one_piece")
_KEYS = {**dict.fromkeys(_NEEDED, True), **dict.fromkeys(_OPTIONAL, False)}
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # part of file names, options and the keys of a state dict


@dataclass(frozen=True)
class FolderPair:
    """Where the images of one section lie, with their labels.

    Args:
        section: `training`, `validation`, `unlabelled` or a test section.
        images: Path below the data set's root, `{case}` for what differs, and `{frame}` for the digits by which several
            volumes of one case do; `.*` at its end for any kind of file.
        labels: The same of the labels; None for unlabelled images.
    """

    section: str
    images: str
    labels: str | None = None


@dataclass(frozen=True)
class Declaration:
    """A data set of volumes.

    Args:
        path: The file that says so, for messages.
        name: Of the data set, fit for a file name.
        labels: Id in the label files to organ, ascending; 0 is the background and not named.
        spacing: Mm in plane at which slices are trained on and predicted.
        modalities: Name to its intensity, `{"window_hu": [low, high]}` or `{"percentiles": [low, high]}`.
        cases: Modality to its first and last case number; empty where there is one modality.
        layout: Where the files are.
        patient: A pattern whose first group that fits, in a case, is the patient; None where each case is a patient.
        one_piece: Ids of the organs that are one connected piece, ascending: of a prediction the largest is kept.
    """

    path: Path
    name: str
    labels: dict[int, str]
    spacing: tuple[float, float]
    modalities: dict[str, dict[str, list[float]]]
    cases: dict[str, tuple[int, int]]
    layout: tuple[FolderPair, ...]
    patient: re.Pattern[str] | None
    one_piece: tuple[int, ...]

    def patient_of(self, case: str) -> str:
        """The patient of a case.

        Raises:
            RequestError: The declared pattern does not fit.
        """
        if self.patient is None:
            return case
        if (match := self.patient.search(case)) is None:
            raise RequestError(f"the case {case!r} does not fit 'patient' of {self.path}, {self.patient.pattern!r}")
        # Of alternatives, each has a group of its own.
        if not (patient := next(filter(None, match.groups()), "")):
            raise RequestError(
                f"the group of 'patient' of {self.path}, {self.patient.pattern!r}, is empty for {case!r}"
            )
        return patient

    def modality_of(self, case: str) -> str:
        """The modality of a case, by the last number in it.

        Raises:
            RequestError: No modality has such a case.
        """
        if not self.cases:
            return next(iter(self.modalities))
        numbers = re.findall(r"\d+", case)
        for name, (first, last) in self.cases.items():
            if numbers and first <= int(numbers[-1]) <= last:
                return name
        ranges = ", ".join(f"{name} {first} to {last}" for name, (first, last) in self.cases.items())
        raise RequestError(f"the case {case!r} is of no modality of {self.name}, wanted {ranges}")


def shipped(name: str) -> Declaration:
    """The declaration of one of the data sets in `SHIPPED`."""
    return read(_SHIPPED / f"{name}.json")


def read(path: Path) -> Declaration:
    """Read and check a declaration.

    Args:
        path: The JSON file.

    Returns:
        The declaration; without a layout it has that of a user's own folder: `images/` and `labels/` with files of the
        same names, optional `test/images` with `test/labels`, optional `unlabelled/`.

    Raises:
        RequestError: The file is no such declaration; says what was found and wanted.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
    except OSError as error:
        raise RequestError(f"{path}: cannot be read ({error.strerror}), wanted the JSON file of a data set") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path}: not JSON ({error})") from error
    try:
        return _declaration(path, content)
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Python's JSON keeps the last of two equal keys in silence: two lines for label 3 would be one."""
    keys = [key for key, _ in pairs]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise ValueError(f"the key {twice[0]!r} is there twice")
    return dict(pairs)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _declaration(path: Path, content: object) -> Declaration:
    if not isinstance(content, dict):
        raise RequestError(f"found a {type(content).__name__}, wanted an object with {', '.join(_KEYS)}")
    for key in content:
        if key not in _KEYS:
            near = did_you_mean(key, _KEYS) or f", wanted {', '.join(_KEYS)}"
            raise RequestError(f"found the key {key!r}{near}")
    if missing := [key for key, needed in _KEYS.items() if needed and key not in content]:
        raise RequestError(f"found no {missing[0]!r}, wanted it")
    if not _is_word(content["name"]):
        raise RequestError(f"name: found {content['name']!r}, wanted letters, digits, _ and -")
    labels = check_labels(content["labels"])
    modalities, cases = _modalities(content["modalities"])
    return Declaration(
        path,
        content["name"],
        labels,
        check_spacing(content["spacing"]),
        modalities,
        cases,
        _layout(content.get("layout", _FOLDER)),
        _patient(content.get("patient")),
        tuple(check_one_piece(content.get("one_piece", []), labels)),
    )


def _modalities(value: object) -> tuple[dict[str, dict[str, list[float]]], dict[str, tuple[int, int]]]:
    if not isinstance(value, dict) or not value:
        raise RequestError(f'modalities: found {value!r}, wanted such as {{"ct": {{"window_hu": [-125, 275]}}}}')
    intensities, cases = {}, {}
    for name, rule in value.items():
        if not _is_word(name):
            raise RequestError(f"modalities: found the name {name!r}, wanted letters, digits, _ and -")
        intensities[name] = check_intensity(name, rule)
        if unknown := [key for key in rule if key not in (*INTENSITIES, "cases")]:
            near = did_you_mean(unknown[0], [*INTENSITIES, "cases"]) or f", wanted {', '.join(INTENSITIES)}, cases"
            raise RequestError(f"modality {name!r}: found the key {unknown[0]!r}{near}")
        if "cases" in rule:
            cases[name] = _range(name, rule["cases"])
        elif len(value) > 1:
            raise RequestError(f"modality {name!r}: found no 'cases', wanted its first and last case number")
    ordered = sorted(cases.items(), key=lambda item: item[1])
    for (one, (_, last)), (other, (first, _)) in itertools.pairwise(ordered):
        if first <= last:
            raise RequestError(f"modalities: the cases of {one!r} and {other!r} overlap, wanted them apart")
    return intensities, cases


def _range(name: str, value: object) -> tuple[int, int]:
    if not isinstance(value, list) or not is_pair(value) or not all(isinstance(one, int) for one in value):
        raise RequestError(f"modality {name!r}: found cases {value!r}, wanted the first and the last case number")
    if not 0 <= value[0] <= value[1]:
        raise RequestError(f"modality {name!r}: found cases {value!r}, wanted 0 <= first <= last")
    return value[0], value[1]


def _layout(value: object) -> tuple[FolderPair, ...]:
    if not isinstance(value, list) or not value:
        raise RequestError(f"layout: found {value!r}, wanted a list of sections with images and labels")
    return tuple(_folder_pair(entry) for entry in value)


def _folder_pair(entry: object) -> FolderPair:
    if not isinstance(entry, Mapping) or not {"section", "images"} <= set(entry) <= {"section", "images", "labels"}:
        raise RequestError(f"layout: found {entry!r}, wanted section, images and labels")
    section = entry["section"]
    if not _is_word(section) or section in DESCRIPTION:
        raise RequestError(f"layout: found the section {section!r}, wanted training, validation, unlabelled or test")
    if ("labels" in entry) == (section == "unlabelled"):
        wanted = "no labels in" if "labels" in entry else "labels in"
        raise RequestError(f"layout: wanted {wanted} the section {section!r}")
    for key in ("images", "labels"):
        text = entry.get(key, CASE)
        if not isinstance(text, str) or CASE not in text or re.search(r"(^|/)(\.\.?)?/|^/|\\", text):
            raise RequestError(f"layout: found {key} {text!r}, wanted a path below the data set's root with {CASE}")
    if "labels" in entry and (FRAME in entry["images"]) != (FRAME in entry["labels"]):
        raise RequestError(f"layout: found {FRAME} in one of images and labels, wanted it in both or none")
    return FolderPair(section, entry["images"], entry.get("labels"))


def _patient(value: object) -> re.Pattern[str] | None:
    if value is None:
        return None
    wanted = "wanted a regular expression with a group, such as 'patient(\\d+)_'"
    if not isinstance(value, str):
        raise RequestError(f"patient: found {value!r}, {wanted}")
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise RequestError(f"patient: found {value!r} ({error}), {wanted}") from error
    if not pattern.groups:
        raise RequestError(f"patient: found {value!r} without a group, {wanted}")
    return pattern
