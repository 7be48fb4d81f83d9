"""Which training image is labelled, unlabelled or for validation: drawn from a seed, or as a published list says.

A draw is by the hash of seed and name, not by a random generator: the same on every machine and version, whatever the
order of the files; a draw of more images holds every draw of fewer.
"""

import hashlib
import json
import re
from collections import defaultdict
from pathlib import Path

from ..checks import RequestError
from .record import Record
from .source_file import composed

# In a list file, published lists have another name for it.
_OTHER_NAMES = {"labelled": "training"}


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts `train_2` before `train_10`."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.findall(r"\d+|\D+", name)]


def draw(records: list[Record], labelled: str, validation: float, seed: int) -> dict[str, list[str]]:
    """Draw the validation images first, then the labelled ones from what is left.

    Args:
        records: All records of a data set; test sections are left as they are.
        labelled: A number of images, a fraction of what validation leaves (0 < x < 1), or `all`.
        validation: Fraction of the training images, in [0, 1), at least one if not 0; cut by patient where every
            patient is known.
        seed: Any whole number.

    Returns:
        Ids of `training`, `unlabelled` and `validation`, in natural order.

    Raises:
        RequestError: A number is out of range, or the patients cannot be cut.
    """
    pool = sorted((record for record in records if record.section == "training"), key=lambda one: natural(one.id))
    held_out = hold_out(pool, validation, seed, "validation")
    rest = [record.id for record in pool if record.id not in held_out]
    number = _number(labelled, len(rest))
    chosen = set(_shuffled(rest, f"labelled {seed}")[:number])
    never_labelled = [record.id for record in records if record.section == "unlabelled"]
    return {
        "training": [name for name in rest if name in chosen],
        "unlabelled": sorted([name for name in rest if name not in chosen] + never_labelled, key=natural),
        "validation": [record.id for record in pool if record.id in held_out],
    }


def from_file(
    records: list[Record], split: str, sections: tuple[str, ...] = ("training", "unlabelled", "validation")
) -> dict[str, list[str]]:
    """Take the sections from a JSON file.

    Args:
        records: All records of a data set.
        split: `FILE`, holding `{"training" or "labelled": [ids], "unlabelled": [...], "validation": [...]}`; or
            `FILE#NAME` for a file that holds several such lists by name.
        sections: What the file may name.

    Returns:
        Ids of each section. Training images that the list leaves out are in none.

    Raises:
        RequestError: The file is no such list, an id is unknown, is given twice or has another section.
    """
    known = {record.id: record for record in records}
    result: dict[str, list[str]] = {name: [] for name in sections}
    seen: dict[str, str] = {}
    for listed_as, names in _read_list(split).items():
        section = _OTHER_NAMES.get(listed_as, listed_as)
        if section not in sections:
            wanted = f"{', '.join(sections[:-1])} and {sections[-1]}"
            raise RequestError(f"{split}: found the section {listed_as!r}, wanted {wanted}")
        if result[section]:
            raise RequestError(f"{split}: found both 'training' and 'labelled', which mean the same; wanted one")
        names = [name if name in known else composed(name) for name in map(str, names)]
        for name in names:
            if name not in known:
                raise RequestError(f"{split}: {name!r} in {listed_as} is no image of this data set")
            if name in seen:
                raise RequestError(f"{split}: {name!r} is in {seen[name]} and in {listed_as}, wanted once")
            if known[name].section not in ("training", section):
                raise RequestError(f"{split}: {name!r} in {listed_as} belongs to {known[name].section} of the data set")
            seen[name] = listed_as
        result[section] = sorted(names, key=natural)
    without_mask = [record.id for record in records if record.section == "unlabelled" and record.id not in seen]
    result["unlabelled"] = sorted(result["unlabelled"] + without_mask, key=natural)
    return result


def _read_list(split: str) -> dict[str, list]:
    path, list_name = split, ""
    if "#" in split and not Path(split).is_file():  # a file may have a # in its own name
        path, _, list_name = split.rpartition("#")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RequestError(f"{path}: cannot be read ({error.strerror}), wanted a JSON file of ids") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path}: not JSON ({error})") from error
    if not isinstance(content, dict):
        raise RequestError(f"{path}: found a {type(content).__name__}, wanted an object with the key 'training'")
    lists = {name: value for name, value in content.items() if isinstance(value, dict)}
    if list_name and list_name not in lists:
        wanted = f"one of {', '.join(lists)}" if lists else "no name, since it holds one list"
        raise RequestError(f"{path}: no list {list_name!r}, wanted {wanted}")
    if lists and not list_name:
        raise RequestError(f"{path}: holds the lists {', '.join(lists)}; wanted one, as {path}#{next(iter(lists))}")
    chosen = lists[list_name] if list_name else content
    for name, ids in chosen.items():
        if not isinstance(ids, list) or not all(isinstance(one, str | int) for one in ids):
            raise RequestError(f"{split}: {name!r} is no list of ids")
    return chosen


def _shuffled(names: list[str], salt: str) -> list[str]:
    return sorted(names, key=lambda name: hashlib.sha256(f"{salt} {name}".encode()).digest())


def _number(labelled: str, available: int) -> int:
    wanted = "wanted a number of images, a fraction between 0 and 1, or all"
    if labelled == "all":
        return available
    try:
        value = float(labelled)
    except ValueError:
        raise RequestError(f"--labelled: found {labelled!r}, {wanted}") from None
    if 0 < value < 1:
        return max(1, round(value * available))
    if not labelled.strip().isdecimal() or value < 1:
        raise RequestError(f"--labelled: found {labelled!r}, {wanted}")
    if value > available:
        raise RequestError(f"--labelled: found {labelled}, wanted at most the {available} training images")
    return int(value)


def hold_out(pool: list[Record], fraction: float, seed: int, section: str, of: int | None = None) -> set[str]:
    """Draw images to hold out, by patient where every patient is known.

    Args:
        pool: Images to draw from; at least one stays.
        fraction: In [0, 1); at least one image if not 0.
        seed: Any whole number.
        section: What they are held out for: another one draws others; the option's name in messages.
        of: How many images the fraction is of; by default those of the pool.

    Returns:
        Their ids.

    Raises:
        RequestError: The fraction is out of range, or there are too few patients.
    """
    if not 0 <= fraction < 1:
        raise RequestError(f"--{section}: found {fraction}, wanted a fraction from 0 up to 1")
    if fraction == 0:
        return set()
    groups: dict[str, list[str]] = defaultdict(list)
    by_patient = all(record.patient for record in pool)
    for record in pool:
        groups[record.patient if by_patient else record.id].append(record.id)
    if len(groups) < 2:
        unit = "patient" if by_patient else "image"
        raise RequestError(f"--{section}: found {len(groups)} {unit} in the training set, wanted at least two")
    target = fraction * (len(pool) if of is None else of)
    order = _shuffled(list(groups), f"{section} {seed}")
    held_out: set[str] = set()
    # Patients that fit first; then one that goes past the number asked for, if that is closer to it than to stop.
    for fits in (True, False):
        for name in (one for one in order if not held_out.issuperset(groups[one])):
            number = len(held_out) + len(groups[name])
            taken = number <= target if fits else abs(number - target) < abs(len(held_out) - target)
            if taken and number < len(pool):
                held_out.update(groups[name])
    return held_out or set(groups[min(order, key=lambda name: len(groups[name]))])
