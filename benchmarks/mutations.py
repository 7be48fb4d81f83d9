"""What damaged files do: real files are changed at random bytes and given to the commands, which may do three things:
take the file, refuse it in one line, or, what must not be, end in a traceback.

    python benchmarks/mutations.py FOLDER... --to mutations.json --number 500

Below the folders are pictures, masks (named `*_anno` or in a folder `masks`), NIfTI volumes, labels (in a folder
`labels`) and QuPath's GeoJSON; the JSON files are those of data sets that are made of them. Each changed file goes
through prepare, and through the checks and the loaders of training, evaluation and inference, all in this process.
Exit status 1 where there was a traceback, more lines than one, or something left behind by a refusal.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import fire
import nibabel as nib
import numpy as np
from controls import row
from monai.bundle import ConfigParser
from PIL import Image

from custom.checks import RequestError
from custom.commands import prepare
from custom.data.images import IMAGE_SUFFIXES
from custom.data.source_file import SourceFile
from custom.data.tiles import qupath
from custom.data.volumes.layout import VOLUME_SUFFIXES
from custom.files import write_json
from custom.place import bundle_root

KINDS = ("picture", "mask", "geojson", "volume", "label", "split", "datalist", "data_set", "volume_datalist")
RESULTS = ("fine", "refused", "foreign")
MOST_SECONDS, MOST_BYTES = 120, 24 << 30
WORDS = (
    b"null",
    b"-1",
    b"1e999",
    b"NaN",
    b"[]",
    b"{}",
    b'""',
    b"true",
    b"0",
    b'"a"',
    b"[[1]]",
    b"99999999999999999999",
)
DATA_SET = {
    "name": "changed",
    "labels": {str(number): f"organ {number}" for number in range(1, 14)},
    "spacing": [1.5, 1.5],
    "modalities": {"mr": {"percentiles": [0.5, 99.5]}},
}


class Outcome(NamedTuple):
    """What one command made of one changed file."""

    kind: str
    file: str
    change: str
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
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    rng, outcomes = random.Random(seed), []
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        files = _files([Path(folder) for folder in folders])
        files |= _made(place / "base", files)
        kinds = [kind for kind in KINDS if files.get(kind)]
        for turn in range(number):
            kind = kinds[turn % len(kinds)]
            original = rng.choice(files[kind])
            changed, change = _change(original, rng)
            found = _try(place / "work", kind, original, changed, change)
            outcomes += found
            if keep and any(one.result == "foreign" for one in found):
                target = Path(keep) / f"{turn}_{kind}_{original.name}"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(changed)
    _print(outcomes)
    write_json(
        to, {"files": number, "seed": seed, "not_fine": [one._asdict() for one in outcomes if one.result != "fine"]}
    )
    sys.exit(int(any(one.result == "foreign" for one in outcomes)))


def _files(folders: list[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {kind: [] for kind in KINDS}
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        suffix = SourceFile(path).suffix
        if suffix in IMAGE_SUFFIXES:
            found["mask" if "_anno" in path.name or path.parent.name == "masks" else "picture"].append(path)
        elif suffix in VOLUME_SUFFIXES:
            found["label" if path.parent.name == "labels" else "volume"].append(path)
        elif suffix in qupath.SUFFIXES[:1]:
            found["geojson"].append(path)
    return found


def _made(base: Path, files: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """JSON files of data sets that are made of the real files."""
    made: dict[str, list[Path]] = {}
    if files["picture"]:
        source = _tiles(base / "tiles", files["picture"][0])
        names = [path.stem for path in (source / "images").iterdir()]
        write_json(base / "split.json", {"training": names[:1], "validation": names[1:2], "unlabelled": names[2:]})
        _quiet(lambda: prepare("folder", source=str(source), output=str(base / "tiles_data"), mpp="0.5"))
        made |= {"split": [base / "split.json"], "datalist": [base / "tiles_data" / "datalist.json"]}
    if files["volume"]:
        source = _volumes(base / "volumes", files["volume"][0])
        _quiet(lambda: _prepare_volumes(source, base / "volumes_data"))
        made |= {"data_set": [source / "data_set.json"], "volume_datalist": [base / "volumes_data" / "datalist.json"]}
    return made


def _tiles(source: Path, picture: Path, mask: Path | None = None) -> Path:
    """A small folder of a user's: a picture three times, a bit brighter each, and one for the test."""
    with Image.open(mask or picture) as image:
        pixels = np.asarray(image.convert("RGB").resize(image.size if mask else (96, 64)))
    for number, folder in enumerate(("", "", "", "test/")):
        where = [source / folder / kind for kind in ("images", "masks")]
        for one in where:
            one.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(pixels.astype(int) + number, 0, 255).astype(np.uint8)).save(where[0] / f"p{number}.png")
        ids = np.zeros(pixels.shape[:2], np.uint8)
        ids[2:20, 2:20] = 1
        Image.fromarray(ids).save(where[1] / f"p{number}.png")
    return source


def _volumes(source: Path, volume: Path) -> Path:
    """A small data set of volumes in the grid of a real one."""
    grid: Any = nib.load(volume)
    rng = np.random.default_rng(0)
    for number, folder in enumerate(("", "", "test/")):
        ids = np.zeros(grid.shape[:3], np.uint8)
        ids[2:9, 2:9, 2:9] = 1
        for kind, values in (("images", rng.integers(0, 999, ids.shape).astype(np.int16)), ("labels", ids)):
            path = source / folder / kind / f"v{number}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(values, grid.affine), path)
    write_json(source / "data_set.json", DATA_SET)
    return source


def _prepare_volumes(source: Path, output: Path) -> None:
    prepare("folder", source=str(source), data_set=str(source / "data_set.json"), output=str(output))


def _change(original: Path, rng: random.Random) -> tuple[bytes, str]:
    """The content with a few bytes changed, and how; a volume's mostly before it is compressed."""
    content = original.read_bytes()
    packed = original.suffix == ".gz" and rng.random() < 0.8
    data = bytearray(gzip.decompress(content) if packed else content)
    ways = {"bytes": 3, "head": 3, "cut": 1, "gap": 1, "twice": 1}
    if original.suffix in (".json", ".geojson"):
        ways |= {"word": 8}
    way = rng.choices(list(ways), list(ways.values()))[0]
    at, length = rng.randrange(len(data)), rng.randint(1, 64)
    if way in ("bytes", "head"):
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data) if way == "bytes" else min(len(data), 400))] = rng.randrange(256)
    elif way == "cut":
        del data[at:]
    elif way == "gap":
        del data[at : at + length]
    elif way == "twice":
        data[at:at] = data[at : at + length]
    else:
        _put_word(data, rng)
    return (gzip.compress(bytes(data), 1) if packed else bytes(data)), f"{way} at {at}"


def _put_word(data: bytearray, rng: random.Random) -> None:
    """Another value, or another nesting, in place of a number, text, list or object: it stays JSON more often."""
    text = data.decode("utf-8", "replace")
    places = [at for at, one in enumerate(text) if one in ":[," and not text[at + 1 : at + 2].isspace()]
    places += [at + 1 for at, one in enumerate(text[:-1]) if one in ":[," and text[at + 1] in " \n"]
    at = rng.choice(places) + 1
    with contextlib.suppress(ValueError):
        start = at + len(text[at:]) - len(text[at:].lstrip())
        _, end = json.JSONDecoder().raw_decode(text, start)
        data[:] = (text[:start] + rng.choice(WORDS).decode() + text[end:]).encode()


def _try(work: Path, kind: str, original: Path, changed: bytes, change: str) -> list[Outcome]:
    """Every command that such a file can reach."""
    outcomes = []
    for command, call in DOORS[kind].items():
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        run = call(work, original, changed)
        before = _sizes(work)
        result, said = _outcome(run)
        if result == "refused" and _sizes(work) != before:
            result, said = "foreign", f"left something behind: {said}"
        outcomes.append(Outcome(kind, str(original), change, command, result, said))
    return outcomes


def _outcome(run: Callable[[], object]) -> tuple[str, str]:
    try:
        _quiet(run)
    except BaseException as error:
        link: BaseException | None = error
        while link is not None and not isinstance(link, RequestError):
            link = link.__cause__ or link.__context__
        if link is None:
            return "foreign", "".join(traceback.format_exception(error)[-3:])
        return "refused" if "\n" not in str(link) else "foreign", str(link)
    return "fine", ""


def _quiet(run: Callable[[], object]) -> None:
    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"took more than {MOST_SECONDS} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(MOST_SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run()
    finally:
        signal.alarm(0)


def _sizes(work: Path) -> dict[str, int]:
    return {str(path): path.stat().st_size for path in work.rglob("*") if path.is_file()}


Door = Callable[[Path, Path, bytes], Callable[[], object]]


def _prepare_tiles(work: Path, original: Path, changed: bytes) -> Callable[[], object]:
    """A picture with its mask, a mask or a GeoJSON with its picture, or the split file."""
    options = {"source": str(work / "source"), "output": str(work / "out"), "mpp": "0.5"}
    if original.name == "split.json":
        _tiles(work / "source", original.parent / "tiles" / "images" / "p0.png")
        (work / "split.json").write_bytes(changed)
        return lambda: prepare("folder", split=str(work / "split.json"), **options)
    _put_tile(_tiles(work / "source", *_beside(original)), original, changed)
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
        _put_volume(_volumes(work / "source", original), original, changed)
    return lambda: _prepare_volumes(work / "source", work / "out")


def _put_volume(folder: Path, original: Path, changed: bytes) -> None:
    (folder / original.parent.name / "v1.nii.gz").write_bytes(changed)


def _prepared(work: Path, original: Path, changed: bytes) -> Path:
    """A prepared data set in which a file was changed afterwards."""
    data = work / "data"
    if original.name == "datalist.json":
        shutil.copytree(original.parent, data)
        (data / "datalist.json").write_bytes(changed)
    elif SourceFile(original).suffix in VOLUME_SUFFIXES:
        _quiet(lambda: _prepare_volumes(_volumes(work / "source", original), data))
        _put_volume(data, original, changed)
    else:
        _quiet(
            lambda: prepare(
                "folder", source=str(_tiles(work / "source", original, original)), output=str(data), mpp="0.5"
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


def _print(outcomes: list[Outcome]) -> None:
    counts = Counter((one.kind, one.command, one.result) for one in outcomes)
    row("file", "command", *RESULTS, head=True)
    for kind, command in dict.fromkeys((one.kind, one.command) for one in outcomes):
        row(kind, command, *(counts[kind, command, result] for result in RESULTS))
    totals = Counter(one.result for one in outcomes)
    row("all", "", *(totals[result] for result in RESULTS))
    for one in outcomes:
        if one.result == "foreign":
            print(f"\n{one.kind} {one.file} ({one.change}), {one.command}:\n{one.said}", file=sys.stderr)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    fire.Fire(main)
