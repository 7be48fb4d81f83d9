"""A data set of tiles in its owner's layout -> `datalist.json`, `images/`, `labels/` and `contact_sheet.png`.

What is written appears under its name only when all of it was checked and is whole.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ...checks import RequestError, raise_problems
from ...drawing.sheet import SheetCell, draw_sheet
from ...drawing.tile import tile_cell
from ...files import replacing_directory
from .. import datalist, splits
from ..datalist import FOR_TRAINING, Item
from ..images import KEPT_SUFFIXES
from ..patients import with_patients
from ..pixel_size import check_mpp, check_same
from ..prepared import SHEET_NAME, check_duplicates, check_output, on_sheet, write_items, written
from ..record import Record
from ..source_file import named
from . import crag, folder, glas
from .classes import Classes, parse_classes
from .one_scale import brought_to, common_mpp
from .pair import Pair, load_pair

READERS = {"glas": glas.read, "crag": crag.read, "folder": folder.read}
MPP = {"glas": glas.MPP, "crag": crag.MPP}


@dataclass(frozen=True)
class _Measures:
    """What the checks learn about a record, kept instead of its pixels."""

    digest: str
    glands: int
    histogram: np.ndarray
    notes: tuple[str, ...]
    classes: Mapping[str, int]


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
    classes: str | None = None,
    command: str = "",
) -> list[str]:
    """Write a data set that the gland recipe can train on.

    Args:
        name: `glas`, `crag` or `folder`.
        source: The owner's zip or directory.
        output: The directory to write; one that an earlier `prepare` wrote is replaced.
        labelled: Number of labelled training images, a fraction in (0, 1), or `all`; the others become unlabelled.
        validation: Fraction of the training images to hold out, by patient where patients are known.
        seed: Of the draw.
        split: `FILE` or `FILE#NAME` with the ids of each section, instead of a draw.
        mpp: µm a pixel; wanted for `folder` unless `patients` has it for each image, known for the others.
        patients: CSV with the columns `id` and `patient`, and `mpp` for images of several scanners; only for `folder`.
        classes: Names of the outlines' classes, and values of mask images, that are glands; only for `folder`.
        command: Recorded in the data list.

    Returns:
        A summary, line by line.

    Raises:
        RequestError: Anything is wrong with the request or the data; nothing has been written then.
    """
    _check_options(name, mpp, patients, split is not None and (labelled != "all" or validation != 0))
    chosen = parse_classes(classes, name)
    output = output.resolve()  # a link to a larger disk stays a link
    earlier = check_output(output, source)
    records = _with_mpp(_read(name, source, patients), MPP.get(name, mpp), patients)
    drawn = splits.draw(records, labelled, validation, seed) if split is None else splits.from_file(records, split)
    sections = _sections(records, drawn)
    if not sections["training"]:
        raise RequestError(f"{split or source}: no labelled training image, wanted at least one")
    microns = MPP.get(name, mpp) or common_mpp(record.mpp for record in records if record.mpp)
    head = {"name": name, "mpp": microns, "seed": seed, "command": command}
    with replacing_directory(output) as target:
        measures = _write(target, head, sections, chosen)
        remarks = chosen.check([one.classes for one in measures.values()], source)
    remarks += folder.passed_over(source) if name == "folder" else []
    return remarks + _summary(records, sections, measures, split) + written(output, earlier)


def _check_options(name: str, mpp: float | None, patients: Path | None, drawn_twice: bool) -> None:
    if name not in READERS:
        raise RequestError(f"found the data set {name!r}, wanted one of {', '.join(READERS)}")
    if drawn_twice:
        raise RequestError("--split already says what is labelled, wanted no --labelled or --validation beside it")
    if name in MPP:
        if mpp is not None and mpp != MPP[name]:
            raise RequestError(f"--mpp: found {mpp}, but {name} has {MPP[name]} µm a pixel; leave it out")
    elif mpp is not None:
        check_mpp(mpp)
    elif patients is None:
        wanted = f"wanted the µm a pixel of the {name}'s images, such as 0.5 at 20x or 0.25 at 40x"
        raise RequestError(f"--mpp: {wanted}; volumes need --data_set instead")


def _with_mpp(records: list[Record], mpp: float | None, patients: Path | None) -> list[Record]:
    """Each record with its pixel size: its own, or that of all."""
    known = [dataclasses.replace(record, mpp=record.mpp or mpp) for record in records]
    if without := [record.id for record in known if record.mpp is None]:
        raise RequestError(f"--mpp: {patients} has no mpp for {named(without)}; wanted it there, or --mpp for them")
    return known


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


def _write(target: Path, head: Item, sections: dict[str, list[Record]], classes: Classes) -> dict[str, _Measures]:
    """Check and write all, each image decoded once; what is known of each record."""
    measures: dict[str, _Measures] = {}
    cells: dict[str, list[SheetCell]] = defaultdict(list)
    shown = on_sheet(sections)

    def write_one(name: str, record: Record) -> Item:
        pair = load_pair(record, classes)
        check_same(record.image, pair.image.mpp, record.mpp)
        digest = pair.digest  # of the picture as it came
        pair = brought_to(pair, record.image, record.mpp or head["mpp"], head["mpp"])
        measures[record.id] = _Measures(digest, pair.glands, pair.histogram, pair.notes, pair.classes)
        outlines = pair.instances if name != "unlabelled" else None
        if record.id in shown:
            caption = record.id if outlines is None else f"{record.id}: {pair.glands}"
            cells[name].append(tile_cell(pair.image.rgb, outlines, caption))
        item = {"image": _write_image(target, record, pair)}
        if outlines is not None:
            item["label"] = f"labels/{record.id}.png"
            Image.fromarray(outlines.astype(np.uint8 if pair.glands < 256 else np.uint16)).save(target / item["label"])
        return item

    items, checksums = write_items(target, sections, "image", write_one)
    check_duplicates(sections, {name: one.digest for name, one in measures.items()}, "picture")
    datalist.write(target, {**head, **_statistics(sections, measures)}, items, checksums)
    titled = {_title(name, found, sections[name]): found for name, found in cells.items()}
    draw_sheet(titled).save(target / SHEET_NAME)
    return measures


def _write_image(target: Path, record: Record, pair: Pair) -> str:
    """The image as it is, byte by byte; as PNG where it had to be converted or its kind is not kept."""
    keep = not pair.image.note and record.image.suffix in KEPT_SUFFIXES
    name = f"images/{record.id}{record.image.suffix if keep else '.png'}"
    if keep:
        (target / name).write_bytes(pair.image.content)
    else:
        Image.fromarray(pair.image.rgb).save(target / name)
    return name


def _statistics(sections: dict[str, list[Record]], measures: dict[str, _Measures]) -> dict[str, list[float]]:
    """Mean and standard deviation over all pixels of the labelled and unlabelled training images, in [0, 1]."""
    seen = [measures[record.id].histogram for name in FOR_TRAINING for record in sections[name]]
    counts = np.sum(seen, axis=0)
    values = np.arange(256) / 255
    mean = (counts * values).sum(axis=1) / counts.sum(axis=1)
    variance = (counts * (values - mean[:, None]) ** 2).sum(axis=1) / counts.sum(axis=1)
    return {"mean": np.round(mean, 6).tolist(), "std": np.round(np.sqrt(variance), 6).tolist()}


def _title(name: str, shown: list[SheetCell], records: list[Record]) -> str:
    what = "without outlines" if name == "unlabelled" else "with outlines and number of glands"
    return f"{name}: {len(shown)} of {len(records)}, {what}"


def _summary(
    records: list[Record], sections: dict[str, list[Record]], measures: dict[str, _Measures], split: str | None
) -> list[str]:
    lines = [note for found in sections.values() for record in found for note in measures[record.id].notes]
    trained = {record.patient for name in FOR_TRAINING for record in sections[name]} - {""}
    for name, found in sections.items():
        patients = {record.patient for record in found} - {""}
        text = f"{name:<10} {len(found):4d} images"
        if patients:
            text += f", {len(patients):2d} patients"
        if name not in FOR_TRAINING and patients & trained:
            text += f" ({len(patients & trained)} of them in training or unlabelled too)"
        if name != "unlabelled":
            text += f", {sum(measures[record.id].glands for record in found):5d} glands"
        lines.append(text)
    used = sum(map(len, sections.values()))
    if used < len(records):
        lines.append(f"{len(records) - used} images are in no list and were left out")
    if not sections["validation"]:
        way = "--validation 0.2 holds some images out" if split is None else f"{split} can name some"
        lines.append(f"validation is empty: training keeps its last weights only, there is no best.pt ({way})")
    return lines
