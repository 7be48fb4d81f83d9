"""`datalist.json`: what is where in a prepared data set. Any key that is not named here is a test section."""

import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..checks import RequestError
from .record import Record
from .source_file import SourceFile
from .tiles.pair import load_pair

FILE_NAME = "datalist.json"
# The sections that every data set has, though they may be empty.
SECTIONS = ("training", "unlabelled", "validation")
# What describes the whole set. All other keys are sections.
DESCRIPTION = ("name", "mpp", "mean", "std", "seed", "command", "modalities", "spacing", "labels", "one_piece")


def read(dataset_dir: str | os.PathLike[str]) -> dict[str, Any]:
    """Read and check a data list.

    Args:
        dataset_dir: the directory that `prepare` wrote.

    Returns:
        The content as it is in the file, with paths relative to `dataset_dir`.

    Raises:
        RequestError: the directory or the file is missing, or the file is not as described.
    """
    path = Path(dataset_dir) / FILE_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        wanted = "a directory that 'python -m custom prepare' wrote"
        raise RequestError(f"{dataset_dir}: no {FILE_NAME} there, wanted {wanted}") from error
    except OSError as error:
        raise RequestError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise RequestError(f"{path}: not JSON ({error})") from error
    if not isinstance(content, dict) or "name" not in content or "training" not in content:
        raise RequestError(f"{path}: wanted an object with at least 'name' and 'training'")
    _check_description(path, content)
    for name in _section_names(content):
        _check_section(path, name, content[name])
    return content


def section(dataset_dir: str | os.PathLike[str], name: str, needed: bool = False) -> list[dict[str, Any]]:
    """The items of one section, ready for a MONAI data set.

    Args:
        dataset_dir: the directory that `prepare` wrote.
        name: `training`, `unlabelled`, `validation` or a test section.
        needed: whether an empty section is an error.

    Returns:
        Items with absolute paths under `image` and `label` (never a label in `unlabelled`), and `id` and `patient`.

    Raises:
        RequestError: there is no such section, it is empty though needed, or a file is missing.
    """
    content = read(dataset_dir)
    names = _section_names(content)
    if name not in names and name not in SECTIONS:
        raise RequestError(f"{Path(dataset_dir) / FILE_NAME}: no section {name!r}, wanted one of {', '.join(names)}")
    root = Path(os.path.abspath(dataset_dir))
    items = []
    for item in content.get(name, []):
        paths = {key: str(root / item[key]) for key in ("image", "label") if key in item}
        for path in paths.values():
            if not os.path.isfile(path):
                raise RequestError(f"{path}: missing, wanted as {name} of {Path(dataset_dir) / FILE_NAME} says")
        items.append({**item, **paths, "patient": item.get("patient", "")})
    if needed and not items:
        raise RequestError(f"{Path(dataset_dir) / FILE_NAME}: found no image in {name!r}, wanted at least one")
    return items


def test_sections(dataset_dir: str | os.PathLike[str]) -> list[str]:
    """The names of the test sections, in the file's order.

    Args:
        dataset_dir: the directory that `prepare` wrote.

    Returns:
        At least one name.

    Raises:
        RequestError: the data list holds no test section, or cannot be read.
    """
    names = [name for name in _section_names(read(dataset_dir)) if name not in SECTIONS]
    if not names:
        raise RequestError(
            f"{Path(dataset_dir) / FILE_NAME}: has no test section, wanted one, or --test_section validation"
        )
    return names


def check(dataset_dir: str | os.PathLike[str]) -> None:
    """Decode every image and mask once, since what breaks in a loader's worker loses its name, and log what there is.

    Args:
        dataset_dir: the directory that `prepare` wrote.

    Raises:
        RequestError: nothing is labelled, a file is missing or broken, or a mask is not of its image's size; names the
            first of them.
    """
    names = list(dict.fromkeys((*SECTIONS, *_section_names(read(dataset_dir)))))
    sections = {name: section(dataset_dir, name, needed=name == "training") for name in names}
    counts = ", ".join(f"{name} {len(items) or 'empty'}" for name, items in sections.items())
    logging.getLogger(__name__).info("%s: %s", dataset_dir, counts)
    problems = []
    items = [item for items in sections.values() for item in items]
    # delay: no bar for what takes less than two seconds; disable=None: no bar where nobody watches a terminal
    for item in tqdm(items, desc="checking images", unit="image", delay=2, disable=None, leave=False):
        try:
            pair = load_pair(
                Record(
                    item["id"],
                    "",
                    SourceFile(Path(item["image"])),
                    SourceFile(Path(item["label"])) if "label" in item else None,
                )
            )
        except RequestError as error:
            problems.append(str(error))
        else:
            for note in pair.notes:
                logging.getLogger(__name__).info(note)
    raise_problems(problems, len(items))


def fingerprint(dataset_dir: str | os.PathLike[str]) -> str:
    """What tells one prepared data set from another, wherever it lies: its name and the hash of its list.

    Args:
        dataset_dir: the directory that `prepare` wrote.

    Returns:
        For example `glas 3f2a9c04b1de`.
    """
    digest = hashlib.sha256((Path(dataset_dir) / FILE_NAME).read_bytes()).hexdigest()
    return f"{read(dataset_dir).get('name', '')} {digest[:12]}"


def raise_problems(problems: list[str], number: int) -> None:
    """Raise one error for several problems, naming the first three.

    Args:
        problems: what is wrong, a line each; none is fine.
        number: how many images were looked at.

    Raises:
        RequestError: there is a problem; a single one stands as it is.
    """
    if len(problems) == 1:
        raise RequestError(problems[0])
    if problems:
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise RequestError(f"{len(problems)} of {number} images are wrong: {'; '.join(problems[:3])}{more}")


def _section_names(content: dict[str, Any]) -> list[str]:
    return [name for name in content if name not in DESCRIPTION]


def _check_description(path: Path, content: dict[str, Any]) -> None:
    mpp = content.get("mpp")
    if mpp is not None and (not isinstance(mpp, int | float) or mpp <= 0):
        raise RequestError(f"{path}: found mpp {mpp!r}, wanted µm a pixel")
    for key in ("mean", "std"):
        value = content.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, int | float) for one in value):
            raise RequestError(f"{path}: found {key} {value!r}, wanted a number a channel")


def _check_section(path: Path, name: str, items: object) -> None:
    if not isinstance(items, list):
        raise RequestError(f"{path}: {name!r} is no list of items")
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("image"), str) or "id" not in item:
            raise RequestError(f"{path}: an item of {name!r} has no 'image' and 'id': {item!r}")
        if name == "unlabelled" and "label" in item:
            raise RequestError(f"{path}: {item['id']} is unlabelled and has a label, wanted none")
        if name != "unlabelled" and not isinstance(item.get("label"), str):
            raise RequestError(f"{path}: {item['id']} in {name!r} has no label")
