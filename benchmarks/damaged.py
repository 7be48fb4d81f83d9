"""Real files and small data sets around them, and how a file is damaged: for `mutations.py`."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import nibabel as nib
import numpy as np
from PIL import Image

from custom.commands import prepare
from custom.data.images import IMAGE_SUFFIXES
from custom.data.source_file import SourceFile
from custom.data.tiles import qupath
from custom.data.volumes.layout import VOLUME_SUFFIXES
from custom.files import write_json

KINDS = ("picture", "mask", "geojson", "volume", "label", "split", "datalist", "data_set", "volume_datalist")
MOST_SECONDS = 120  # for one command
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


def files(folders: list[Path]) -> dict[str, list[Path]]:
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


def made(base: Path, files: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """JSON files of data sets that are made of the real files."""
    made: dict[str, list[Path]] = {}
    if files["picture"]:
        source = tiles(base / "tiles", files["picture"][0])
        names = [path.stem for path in (source / "images").iterdir()]
        write_json(base / "split.json", {"training": names[:1], "validation": names[1:2], "unlabelled": names[2:]})
        quiet(lambda: prepare("folder", source=str(source), output=str(base / "tiles_data"), mpp="0.5"))
        made |= {"split": [base / "split.json"], "datalist": [base / "tiles_data" / "datalist.json"]}
    if files["volume"]:
        source = volumes(base / "volumes", files["volume"][0])
        quiet(lambda: prepare_volumes(source, base / "volumes_data"))
        made |= {"data_set": [source / "data_set.json"], "volume_datalist": [base / "volumes_data" / "datalist.json"]}
    return made


def tiles(source: Path, picture: Path, mask: Path | None = None) -> Path:
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


def volumes(source: Path, volume: Path) -> Path:
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


def prepare_volumes(source: Path, output: Path) -> None:
    prepare("folder", source=str(source), data_set=str(source / "data_set.json"), output=str(output))


def change(original: Path, rng: random.Random) -> tuple[bytes, str]:
    """The content with a few bytes changed, and how; a volume's mostly before it is compressed."""
    content = original.read_bytes()
    packed = original.suffix == ".gz" and rng.random() < 0.8
    data = bytearray(gzip.decompress(content) if packed else content)
    ways = {"bytes": 3, "head": 3, "cut": 1, "gap": 1, "twice": 1}
    if original.suffix in (".json", ".geojson"):
        ways = {"bytes": 1, "cut": 1, "gap": 1, "twice": 1, "word": 12}
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
        word = '"a"' if text[end:].lstrip().startswith(":") else rng.choice(WORDS).decode()
        data[:] = (text[:start] + word + text[end:]).encode()


def quiet(run: Callable[[], object]) -> None:
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
