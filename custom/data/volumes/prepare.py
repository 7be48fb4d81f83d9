"""A data set of volumes in its owner's layout -> `datalist.json`, `images/`, `labels/` and `contact_sheet.png`.

What is written appears under its name only when all of it was checked and is whole.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import Any

from ...checks import RequestError, raise_problems
from ...drawing.colours import organ_colour
from ...drawing.sheet import SheetCell, draw_sheet
from ...files import replacing_directory
from ...targets.intensities import spreads, unlike
from .. import datalist, splits
from ..datalist import FOR_TRAINING, Item
from ..patients import with_patients
from ..prepared import SHEET_NAME, check_duplicates, check_output, on_sheet, write_items, written
from ..record import Record
from ..source_file import SourceFile
from . import layout
from .declaration import Declaration
from .files import is_picture, load_volumes
from .measures import VolumeMeasures, few, measure, summary
from .sheet import volume_cell

_SECTIONS = ("training", "unlabelled", "validation", "test")


def prepare(
    declaration: Declaration,
    source: Path,
    output: Path,
    validation: float = 0.0,
    test: float = 0.0,
    seed: int = 0,
    split: str | None = None,
    patients: Path | None = None,
    command: str = "",
) -> list[str]:
    """Write a data set that the organ recipe can train on.

    Args:
        declaration: What the data set is.
        source: The owner's zip or directory.
        output: The directory to write; one that an earlier `prepare` wrote is replaced.
        validation: Fraction of the labelled volumes to hold out for the choice of the best weights, by patient.
        test: Fraction of the labelled volumes to hold out for the evaluation, by patient.
        seed: Of the draw.
        split: `FILE` or `FILE#NAME` with the ids of each section, instead of a draw.
        patients: CSV with the columns `id` and `patient`, instead of what the declaration says.
        command: Recorded in the data list.

    Returns:
        A summary, line by line.

    Raises:
        RequestError: Anything is wrong with the request or the data; nothing has been written then.
    """
    if split is not None and (validation, test) != (0, 0):
        raise RequestError("--split already says what is held out, wanted no --validation or --test beside it")
    output = output.resolve()  # a link to a larger disk stays a link
    earlier = check_output(output, source)
    records = layout.find(source, declaration)
    if patients is not None:
        records = with_patients(records, patients)
    sections = _listed(records, split) if split is not None else _drawn(records, validation, test, seed)
    if not sections["training"]:
        raise RequestError(f"{split or source}: no labelled training volume, wanted at least one")
    _leave_out_held_out(sections)
    _check_patients(sections)
    head = _head(declaration, sections, seed, command)
    with replacing_directory(output) as target:
        measures = _write(target, declaration, head, sections)
    lines = summary(declaration, sections, measures) + _strangers(sections, measures)
    lines += _remarks(records, sections, split)
    return lines + written(output, earlier)


def _drawn(records: list[Record], validation: float, test: float, seed: int) -> dict[str, list[Record]]:
    if validation + test >= 1:
        found = f"--validation {validation} and --test {test} leave nothing to train on"
        raise RequestError(f"{found}, wanted a sum below 1")
    sections = {name: [record for record in records if record.section == name] for name in _names(records)}
    pool = sections["training"]
    number = len(pool)
    for name, fraction in (("test", test), ("validation", validation)):
        if fraction and sections[name]:
            raise RequestError(f"--{name}: the data set has {len(sections[name])} {name} volumes, leave the option out")
        chosen = splits.hold_out(pool, fraction, seed, name, of=number)
        sections[name] += [record for record in pool if record.id in chosen]
        pool = [record for record in pool if record.id not in chosen]
    sections["training"] = pool
    return {name: sorted(found, key=lambda record: splits.natural(record.id)) for name, found in sections.items()}


def _listed(records: list[Record], split: str) -> dict[str, list[Record]]:
    """As the file says; what has a section of its own keeps it."""
    by_id = {record.id: record for record in records}
    ids = splits.from_file(records, split, sections=_SECTIONS)
    seen = {one for names in ids.values() for one in names}
    sections = {name: [by_id[one] for one in ids.get(name, [])] for name in _names(records)}
    for record in records:
        if record.section != "training" and record.id not in seen:
            sections[record.section].append(record)
    return sections


def _names(records: list[Record]) -> list[str]:
    """The four sections that every data set has, then those of the declaration."""
    return list(dict.fromkeys((*_SECTIONS, *(record.section for record in records))))


def _leave_out_held_out(sections: dict[str, list[Record]]) -> None:
    """Drop the owner's unlabelled volumes of patients held out: the first phase would show them to the network."""
    held_out = {record.patient for name in sections if name not in FOR_TRAINING for record in sections[name]}
    sections["unlabelled"] = [
        record for record in sections["unlabelled"] if record.section != "unlabelled" or record.patient not in held_out
    ]


def _check_patients(sections: dict[str, list[Record]]) -> None:
    seen: dict[str, tuple[str, Record]] = {}
    problems = []
    for name, records in sections.items():
        for record in records:
            section, other = seen.setdefault(record.patient, (name, record))
            if section != name and {section, name} != set(FOR_TRAINING):
                whose = f"the patient {record.patient} of {other.id} in {section}"
                problems.append(f"{record.id} in {name}: is of {whose}, wanted each patient in one section")
    raise_problems(problems, sum(map(len, sections.values())), "volumes")


def _head(declaration: Declaration, sections: dict[str, list[Record]], seed: int, command: str) -> dict[str, Any]:
    used = {record.modality for found in sections.values() for record in found}
    return {
        "name": declaration.name,
        "labels": {str(one): organ for one, organ in declaration.labels.items()},
        "one_piece": list(declaration.one_piece),
        "spacing": list(declaration.spacing),
        "modalities": {name: rule for name, rule in declaration.modalities.items() if name in used},
        "seed": seed,
        "command": command,
    }


def _write(
    target: Path, declaration: Declaration, head: dict[str, Any], sections: dict[str, list[Record]]
) -> dict[str, VolumeMeasures]:
    """Check and write all, each volume read once; what is known of each."""
    measures: dict[str, VolumeMeasures] = {}
    cells: dict[str, list[SheetCell]] = {name: [] for name in sections}
    shown = on_sheet(sections)
    channels = {one: channel for channel, one in enumerate([0, *declaration.labels])}

    def write_one(name: str, record: Record) -> Item:
        used = dataclasses.replace(record, label=None) if name == "unlabelled" else record
        pair = load_volumes(used, declaration.labels, declaration.spacing)
        intensity = declaration.modalities[record.modality]
        measures[record.id] = measure(pair, intensity)
        if record.id in shown:
            cells[name].append(volume_cell(pair, intensity, channels, record.id))
        item = {"image": f"images/{record.id}{record.image.suffix}"}
        _put(record.image, target / item["image"])
        if used.label is not None:
            item["label"] = f"labels/{record.id}{used.label.suffix}"
            _put(used.label, target / item["label"])
        return {**item, "modality": record.modality}

    items, checksums = write_items(target, sections, "volume", write_one)
    digests = {name: volume.digest for name, volume in measures.items()}
    check_duplicates(sections, digests, "volume", within=True)
    datalist.write(target, head | {"intensities": _learnt(sections, measures)}, items, checksums)
    colours = [(organ_colour(channels[one]), f"{one} {organ}") for one, organ in declaration.labels.items()]
    titled = {_title(name, found, sections[name]): found for name, found in cells.items()}
    draw_sheet(titled, colours).save(target / SHEET_NAME)
    return measures


def _learnt(sections: dict[str, list[Record]], measures: dict[str, VolumeMeasures]) -> dict[str, list[list[float]]]:
    """The spreads of the training volumes of each modality, which the weights will keep."""
    modalities = dict.fromkeys(record.modality for record in sections["training"])
    return {
        one: spreads(measures[record.id].spread for record in sections["training"] if record.modality == one)
        for one in modalities
    }


def _strangers(sections: dict[str, list[Record]], measures: dict[str, VolumeMeasures]) -> list[str]:
    """Volumes whose intensities are unlike those of the training volumes."""
    learnt = _learnt(sections, measures)
    named: dict[str, list[str]] = {}
    for record in [record for name, found in sections.items() if name != "training" for record in found]:
        if said := unlike(measures[record.id].spread, learnt.get(record.modality, [])):
            named.setdefault(said, []).append(record.id)
    return [f"{few(names)}: {said}" for said, names in named.items()]


def _put(file: SourceFile, path: Path) -> None:
    """The file as it is: a second name where the disk allows it, since volumes are large, else a copy."""
    if file.member is None:
        with contextlib.suppress(OSError):
            os.link(os.path.realpath(file.path), path)
            return
    path.write_bytes(file.read())


def _title(name: str, cells: list[SheetCell], records: list[Record]) -> str:
    what = "without outlines" if name == "unlabelled" else "with outlines"
    return f"{name}: {len(cells)} of {len(records)}, {what}; the patient's right is on the left"


def _remarks(records: list[Record], sections: dict[str, list[Record]], split: str | None) -> list[str]:
    lines = []
    used = {record.id for found in sections.values() for record in found}
    left_out = [record for record in records if record.id not in used]
    if listed := [record for record in left_out if record.section != "unlabelled"]:
        lines.append(f"{len(listed)} volumes are in no list and were left out")
    if kept_away := len(left_out) - len(listed):
        lines.append(f"{kept_away} unlabelled volumes of patients in validation or test were left out")
    pictures = [record for record in records if is_picture(record)]
    if pictures and len({record.patient for record in pictures}) == len(pictures):
        lines.append("each picture counts as a patient: if some are slices of one, say so by --patients or 'patient'")
    ways = {"validation": "there is no best.pt", "test": "the evaluation needs --test_section validation"}
    for name, what in ways.items():
        others = [one for one in sections if one not in _SECTIONS]
        if not sections[name] and not (name == "test" and others):
            way = f"--{name} 0.2 holds some patients out" if split is None else f"{split} can name some"
            lines.append(f"{name} is empty: {what} ({way})")
    return lines
