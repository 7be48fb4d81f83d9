"""A data set in its owner's layout -> `datalist.json`, `images/`, `labels/` and `contact_sheet.png`.

Everything is checked before anything is written; the result appears under its name only when it is whole.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from ...checks import RequestError
from ...drawing.sheet import ContactSheetCell, draw_cell, draw_sheet
from .. import datalist, splits
from ..datalist import raise_problems
from ..images import KEPT_SUFFIXES
from ..output_directory import check_output, replaced
from ..patients import with_patients
from ..record import Record
from . import crag, folder, glas
from .pair import load_pair

READERS = {"glas": glas.read, "crag": crag.read, "folder": folder.read}
MPP = {"glas": glas.MPP, "crag": crag.MPP}

# More than this on the contact sheet cannot be looked at; without outlines only the kind of image is to be seen.
_CELLS, _UNLABELLED_CELLS = 400, 16
_MPP_RANGE = (0.05, 20.0)


@dataclass(frozen=True)
class _Facts:
    """What the checks learn about a record, kept instead of its pixels."""

    digest: str
    glands: int
    histogram: np.ndarray
    notes: tuple[str, ...]


def prepare(
    name: str,
    source: Path,
    output: Path,
    labelled: str = "all",
    validation: float = 0.0,
    seed: int = 0,
    split: str | None = None,
    mpp: float | None = None,
    patients: Path | None = None,
    command: str = "",
) -> list[str]:
    """Write a data set that the gland recipe can train on.

    Args:
        name: `glas`, `crag` or `folder`.
        source: the owner's zip or directory.
        output: the directory to write; one that an earlier `prepare` wrote is replaced.
        labelled: number of labelled training images, a fraction in (0, 1), or `all`; the others become unlabelled.
        validation: fraction of the training images to hold out, by patient where patients are known.
        seed: of the draw.
        split: `FILE` or `FILE#NAME` with the ids of each section, instead of a draw.
        mpp: µm a pixel; wanted for `folder`, known for the others.
        patients: CSV with the columns `id` and `patient`; only for `folder`.
        command: recorded in the data list.

    Returns:
        A summary, line by line.

    Raises:
        RequestError: anything is wrong with the request or the data; nothing has been written then.
    """
    if name not in READERS:
        raise RequestError(f"found the data set {name!r}, wanted one of {', '.join(READERS)}")
    if split is not None and (labelled != "all" or validation != 0):
        raise RequestError("--split already says what is labelled, wanted no --labelled or --validation beside it")
    microns = _mpp(name, mpp)
    output = output.resolve()  # a link to a larger disk stays a link
    earlier = check_output(output, source)
    records = _read(name, source, patients)
    drawn = splits.draw(records, labelled, validation, seed) if split is None else splits.from_file(records, split)
    if not drawn["training"]:
        raise RequestError(f"{split or source}: no labelled training image, wanted at least one")
    sections = _sections(records, drawn)
    facts = _examine(records)
    _check_duplicates(sections, facts)
    head = {"name": name, "mpp": microns, **_statistics(sections, facts), "seed": seed, "command": command}
    with replaced(output) as target:
        _write(target, head, sections)
    ending = [f'replaced the earlier data set "{earlier}" in {output}'] if earlier else []
    ending += [f"written to {output}; look at {output / 'contact_sheet.png'} before you train"]
    return _summary(records, sections, facts, split) + ending


def _mpp(name: str, mpp: float | None) -> float:
    if name in MPP:
        if mpp is not None and mpp != MPP[name]:
            raise RequestError(f"--mpp: found {mpp}, but {name} has {MPP[name]} µm a pixel; leave it out")
        return MPP[name]
    if mpp is None:
        wanted = f"wanted the µm a pixel of the {name}'s images, such as 0.5 at 20x or 0.25 at 40x"
        raise RequestError(f"--mpp: {wanted}; volumes need --data_set instead")
    if not _MPP_RANGE[0] <= mpp <= _MPP_RANGE[1]:
        raise RequestError(f"--mpp: found {mpp}, wanted µm a pixel between {_MPP_RANGE[0]} and {_MPP_RANGE[1]}")
    return mpp


def _read(name: str, source: Path, patients: Path | None) -> list[Record]:
    if patients is not None and name != "folder":
        known = "; glas knows its patients from its Grade.csv" if name == "glas" else ""
        raise RequestError(f"--patients: found it with {name}, wanted it with folder alone{known}")
    records = READERS[name](source)
    _check_records(name, records)
    return records if patients is None else with_patients(records, patients)


def _check_records(name: str, records: list[Record]) -> None:
    by_id: dict[str, Record] = {}
    problems = []
    hint = " (images without masks go into unlabelled/)" if name == "folder" else ""
    for record in records:
        if record.id in by_id:
            problems.append(f"{record.image}: has the id {record.id} of {by_id[record.id].image}, wanted it unique")
        elif record.label is None and record.section != "unlabelled":
            problems.append(
                f"{record.image}: no mask of this name found, wanted one for each {record.section} image{hint}"
            )
        by_id.setdefault(record.id, record)
    raise_problems(problems, len(records))


def _sections(records: list[Record], drawn: dict[str, list[str]]) -> dict[str, list[Record]]:
    by_id = {record.id: record for record in records}
    result = {name: [by_id[one] for one in drawn[name]] for name in datalist.SECTIONS}
    for record in sorted(records, key=lambda record: splits.natural(record.id)):
        if record.section not in datalist.SECTIONS:
            result.setdefault(record.section, []).append(record)
    return dict(sorted(result.items(), key=lambda item: (item[0] not in datalist.SECTIONS,)))


def _progress(records: list[Record], text: str) -> Any:
    return tqdm(records, desc=text, unit="image", delay=2, disable=None, leave=False)


def _examine(records: list[Record]) -> dict[str, _Facts]:
    facts, problems = {}, []
    for record in _progress(records, "checking"):
        try:
            pair = load_pair(record)
        except RequestError as error:
            problems.append(str(error))
            continue
        facts[record.id] = _Facts(pair.digest, pair.glands, pair.histogram, pair.notes)
    raise_problems(problems, len(records))
    return facts


def _check_duplicates(sections: dict[str, list[Record]], facts: dict[str, _Facts]) -> None:
    seen: dict[str, tuple[str, Record]] = {}
    problems = []
    for name, records in sections.items():
        for record in records:
            section, other = seen.setdefault(facts[record.id].digest, (name, record))
            if section != name:
                problems.append(f"{record.image}: in {name}, the same picture as {other.image} in {section}")
    raise_problems(problems, sum(map(len, sections.values())))


def _statistics(sections: dict[str, list[Record]], facts: dict[str, _Facts]) -> dict[str, list[float]]:
    """Mean and standard deviation over all pixels of the labelled and unlabelled training images, in [0, 1]."""
    seen = [facts[record.id].histogram for name in ("training", "unlabelled") for record in sections[name]]
    counts = np.sum(seen, axis=0)
    values = np.arange(256) / 255
    mean = (counts * values).sum(axis=1) / counts.sum(axis=1)
    variance = (counts * (values - mean[:, None]) ** 2).sum(axis=1) / counts.sum(axis=1)
    return {"mean": np.round(mean, 6).tolist(), "std": np.round(np.sqrt(variance), 6).tolist()}


def _write(target: Path, head: dict[str, Any], sections: dict[str, list[Record]]) -> None:
    items: dict[str, list[dict[str, str]]] = {name: [] for name in sections}
    cells: dict[str, list[ContactSheetCell]] = defaultdict(list)
    on_sheet = _on_sheet(sections)
    section_of = {record.id: name for name, records in sections.items() for record in records}
    (target / "images").mkdir()
    (target / "labels").mkdir()
    for record in _progress([record for records in sections.values() for record in records], "writing"):
        name = section_of[record.id]
        pair = load_pair(record)
        keep = not pair.image.note and record.image.suffix in KEPT_SUFFIXES
        image = f"images/{record.id}{record.image.suffix if keep else '.png'}"
        if keep:
            (target / image).write_bytes(pair.image.content)
        else:
            Image.fromarray(pair.image.rgb).save(target / image)
        item = {"image": image}
        if name != "unlabelled" and pair.instances is not None:
            item["label"] = f"labels/{record.id}.png"
            depth = np.uint8 if pair.glands < 256 else np.uint16
            Image.fromarray(pair.instances.astype(depth)).save(target / item["label"])
        if record.id in on_sheet:
            outlines = pair.instances if "label" in item else None
            caption = f"{record.id}: {pair.glands}" if "label" in item else record.id
            cells[name].append(draw_cell(pair.image.rgb, outlines, caption))
        items[name].append({**item, "id": record.id, "patient": record.patient})
    titled = {_title(name, shown, sections[name]): shown for name, shown in cells.items()}
    draw_sheet(titled).save(target / "contact_sheet.png")
    text = json.dumps({**head, **items}, indent=1, ensure_ascii=False)
    (target / datalist.FILE_NAME).write_text(text + "\n", encoding="utf-8")


def _on_sheet(sections: dict[str, list[Record]]) -> set[str]:
    """The ids on the contact sheet: all, or evenly spread ones where there are too many."""
    outlined = [record.id for name, records in sections.items() if name != "unlabelled" for record in records]
    plain = [record.id for record in sections["unlabelled"]]
    groups = ((outlined, _CELLS), (plain, _UNLABELLED_CELLS))
    return {one for ids, most in groups for one in ids[:: max(1, -(-len(ids) // most))]}


def _title(name: str, shown: list[ContactSheetCell], records: list[Record]) -> str:
    what = "without outlines" if name == "unlabelled" else "with outlines and number of glands"
    return f"{name}: {len(shown)} of {len(records)}, {what}"


def _summary(
    records: list[Record], sections: dict[str, list[Record]], facts: dict[str, _Facts], split: str | None
) -> list[str]:
    lines = [note for record in records for note in facts[record.id].notes]
    trained = {record.patient for name in ("training", "unlabelled") for record in sections[name]} - {""}
    for name, found in sections.items():
        patients = {record.patient for record in found} - {""}
        text = f"{name:<10} {len(found):4d} images"
        if patients:
            text += f", {len(patients):2d} patients"
        if name not in ("training", "unlabelled") and patients & trained:
            text += f" ({len(patients & trained)} of them in training or unlabelled too)"
        if name != "unlabelled":
            text += f", {sum(facts[record.id].glands for record in found):5d} glands"
        lines.append(text)
    used = sum(map(len, sections.values()))
    if used < len(records):
        lines.append(f"{len(records) - used} images are in no list and were left out")
    if not sections["validation"]:
        way = "--validation 0.2 holds some images out" if split is None else f"{split} can name some"
        lines.append(f"validation is empty: training keeps its last weights only, there is no best.pt ({way})")
    return lines
