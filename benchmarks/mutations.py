"""What damaged files do: real files are changed at random bytes and given to the commands.

A command may take such a file or refuse it in one line; what must not be is a traceback.

    python benchmarks/mutations.py FOLDER... --to mutations.json --number 500

Below the folders are pictures, masks (named `*_anno` or in a folder `masks`), NIfTI volumes, labels (in a folder
`labels`) and QuPath's GeoJSON; the JSON files are those of data sets that are made of them. Each changed file goes
through prepare, and through the checks and the loaders of training, evaluation and inference, all in this process.
Exit status 1 where there was a traceback, more lines than one, or something left behind by a refusal.
"""

from __future__ import annotations

import gzip
import logging
import os
import random
import resource
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import fire
from controls import row
from damaged import KINDS, change, files, made, prepare_volumes, quiet, tiles, volumes
from monai.bundle import ConfigParser

from custom.checks import RequestError
from custom.commands import prepare
from custom.data.images import IMAGE_SUFFIXES
from custom.data.source_file import SourceFile
from custom.data.volumes.layout import VOLUME_SUFFIXES
from custom.files import write_json
from custom.place import bundle_root

RESULTS = FINE, REFUSED, FOREIGN = "fine", "refused", "foreign"
WHOLE = "whole"  # not changed at all, which must be fine
MOST_BYTES = 24 << 30


class Outcome(NamedTuple):
    """What one command made of one changed file."""

    kind: str
    file: str
    way: str
    command: str
    result: str
    said: str


def main(*folders: str, to: str, number: int = 500, seed: int = 0, keep: str | None = None) -> None:
    """Change files, run the commands on them, and print a table.

    Args:
        folders: Where the real files are.
        to: The JSON file with what was not fine.
        number: How many changed files; each kind that is there gets as many.
        seed: Of the changes.
        keep: Where the files that led to a traceback are kept.
    """
    logging.disable(logging.ERROR)  # nibabel says at length what it does not like
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    rng = random.Random(seed)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        there = files([Path(folder) for folder in folders])
        there |= made(place / "base", there)
        kinds = [kind for kind in KINDS if there.get(kind)]
        for turn in range(-len(kinds), number):
            kind = kinds[turn % len(kinds)]
            original = there[kind][0] if turn < 0 else rng.choice(there[kind])
            changed, way = (original.read_bytes(), WHOLE) if turn < 0 else change(original, rng)
            outcomes += (found := _try(place / "work", kind, original, changed, way))
            if keep and any(one.result == FOREIGN for one in found):
                target = Path(keep) / f"{turn}_{kind}_{original.name}"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(changed)
    bad = [one for one in outcomes if one.result == FOREIGN or (one.way == WHOLE and one.result == REFUSED)]
    _print(outcomes, bad)
    notes = [one._asdict() for one in outcomes if one.result != FINE]
    write_json(to, {"files": number, "seed": seed, "counts": _counts(outcomes), "not_fine": notes})
    sys.exit(int(bool(bad)))


def _try(work: Path, kind: str, original: Path, changed: bytes, way: str) -> list[Outcome]:
    """Every command that such a file can reach."""
    outcomes = []
    for command, call in DOORS[kind].items():
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        run = call(work, original, changed)
        before = _sizes(work)
        result, said = _outcome(run)
        if result == REFUSED and _sizes(work) != before:
            result, said = FOREIGN, f"left something behind: {said}"
        outcomes.append(Outcome(kind, str(original), way, command, result, said))
    return outcomes


def _outcome(run: Callable[[], object]) -> tuple[str, str]:
    try:
        quiet(run)
    except BaseException as error:
        link: BaseException | None = error
        while link is not None and not isinstance(link, RequestError):
            link = link.__cause__ or link.__context__
        if link is None:
            return FOREIGN, "".join(traceback.format_exception(error)[-3:])
        return REFUSED if "\n" not in str(link) else FOREIGN, str(link)
    return FINE, ""


def _sizes(work: Path) -> dict[str, int]:
    return {str(path): path.stat().st_size for path in work.rglob("*") if path.is_file()}


Door = Callable[[Path, Path, bytes], Callable[[], object]]


def _prepare_tiles(work: Path, original: Path, changed: bytes) -> Callable[[], object]:
    """A picture with its mask, a mask or a GeoJSON with its picture, or the split file."""
    options = {"source": str(work / "source"), "output": str(work / "out"), "mpp": "0.5"}
    if original.name == "split.json":
        tiles(work / "source", original.parent / "tiles" / "images" / "p0.png")
        (work / "split.json").write_bytes(changed)
        return lambda: prepare("folder", split=str(work / "split.json"), **options)
    _put_tile(tiles(work / "source", *_beside(original)), original, changed)
    return lambda: prepare("folder", **options)


def _beside(original: Path) -> tuple[Path, Path | None]:
    """A picture that fits a file: itself, the mask as a picture, or for GeoJSON the picture of its name."""
    if original.suffix not in IMAGE_SUFFIXES:
        found = [
            path
            for path in original.parent.parent.rglob(f"{original.name.split('.')[0]}.*")
            if path.suffix in IMAGE_SUFFIXES
        ]
        return found[0], found[0]
    return original, original


def _put_tile(source: Path, original: Path, changed: bytes) -> None:
    folder = "images"
    if original.suffix not in IMAGE_SUFFIXES or "_anno" in original.name or original.parent.name == "masks":
        folder = "masks"
    (source / folder / "p1.png").unlink()
    (source / folder / f"p1{SourceFile(original).suffix}").write_bytes(changed)


def _prepare_organs(work: Path, original: Path, changed: bytes) -> Callable[[], object]:
    if original.name == "data_set.json":
        shutil.copytree(original.parent, work / "source")
        (work / "source" / "data_set.json").write_bytes(changed)
    else:
        _put_volume(volumes(work / "source", original), original, changed)
    return lambda: prepare_volumes(work / "source", work / "out")


def _put_volume(folder: Path, original: Path, changed: bytes) -> None:
    packed = changed if original.suffix == ".gz" else gzip.compress(changed)
    (folder / original.parent.name / "v1.nii.gz").write_bytes(packed)


def _prepared(work: Path, original: Path, changed: bytes) -> Path:
    """A prepared data set in which a file was changed afterwards."""
    data = work / "data"
    if original.name == "datalist.json":
        shutil.copytree(original.parent, data)
        (data / "datalist.json").write_bytes(changed)
    elif SourceFile(original).suffix in VOLUME_SUFFIXES:
        quiet(lambda: prepare_volumes(volumes(work / "source", original), data))
        _put_volume(data, original, changed)
    else:
        quiet(
            lambda: prepare(
                "folder", source=str(tiles(work / "source", original, original)), output=str(data), mpp="0.5"
            )
        )
        (
            data / ("labels" if "_anno" in original.name or original.parent.name == "masks" else "images") / "p1.png"
        ).write_bytes(changed)
    return data


def _config(names: list[str], parts: list[str], **options: object) -> None:
    """Some parts of configs, as the command makes them."""
    parser = ConfigParser(ConfigParser.load_config_files([f"{bundle_root()}/configs/{name}.json" for name in names]))
    parser.update({"pretrained": False, "crop_px": 32, **options} if "inference" not in names[0] else options)
    for part in parts:
        content = parser.get_parsed_content(part)
        if hasattr(content, "data"):
            for index in range(min(len(content.data), 4)):
                content[index]


def _training(suffix: str) -> Door:
    def door(work: Path, original: Path, changed: bytes) -> Callable[[], object]:
        data = _prepared(work, original, changed)
        parts = ["look", "network_def", "train#dataset", "validate#dataset"]
        return lambda: _config([f"train{suffix}"], parts, dataset_dir=str(data), output_dir=str(work / "data"))

    return door


def _evaluation(work: Path, original: Path, changed: bytes) -> Callable[[], object]:
    data = _prepared(work, original, changed)
    return lambda: _config(
        ["train", "evaluate"],
        ["look", "validate#dataset"],
        dataset_dir=str(data),
        output_dir=str(data),
        test_section="test",
    )


def _inference(suffix: str, **more: str) -> Door:
    def door(work: Path, original: Path, changed: bytes) -> Callable[[], object]:
        path = work / "in" / original.name
        path.parent.mkdir()
        path.write_bytes(changed)
        return lambda: _config([f"inference{suffix}"], ["dataset"], dataset_dir=str(work / "in"), **more)

    return door


DOORS: dict[str, dict[str, Door]] = {
    "picture": {"prepare": _prepare_tiles, "train": _training(""), "infer": _inference("")},
    "mask": {"prepare": _prepare_tiles, "train": _training("")},
    "geojson": {"prepare": _prepare_tiles},
    "volume": {
        "prepare": _prepare_organs,
        "train": _training("_organ"),
        "infer": _inference("_organ", task="hippocampus"),
    },
    "label": {"prepare": _prepare_organs, "train": _training("_organ")},
    "split": {"prepare": _prepare_tiles},
    "datalist": {"train": _training(""), "evaluate": _evaluation},
    "data_set": {"prepare": _prepare_organs},
    "volume_datalist": {"train": _training("_organ")},
}


def _counts(outcomes: list[Outcome]) -> dict[str, dict[str, int]]:
    """How often each result was, by kind of file and command; those of whole files do not count."""
    table: dict[str, dict[str, int]] = {}
    for one in outcomes:
        counts = table.setdefault(f"{one.kind}, {one.command}", dict.fromkeys(RESULTS, 0))
        counts[one.result] += one.way != WHOLE
    return table


def _print(outcomes: list[Outcome], bad: list[Outcome]) -> None:
    counts = _counts(outcomes)
    row("file, command", *RESULTS, head=True)
    for name, found in counts.items():
        row(name, *found.values())
    row("all", *(sum(found[result] for found in counts.values()) for result in RESULTS))
    for one in bad:
        print(f"\n{one.kind} {one.file} ({one.way}), {one.command}: {one.result}\n{one.said}", file=sys.stderr)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    fire.Fire(main)
