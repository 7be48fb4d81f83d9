"""Several prepared data sets of volumes as one: a task is what one of them shows in one modality."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ...checks import RequestError
from .. import datalist
from ..datalist import raise_problems
from ..record import Record
from ..source_file import SourceFile
from .declaration import check_intensity, check_labels, check_one_piece, check_spacing
from .files import load_volumes


def task_table(dataset_dirs: Sequence[str] | str) -> dict[str, dict[str, Any]]:
    """The tasks of several data sets; the index in the table's order is a task's id.

    Args:
        dataset_dirs: directories that `prepare` wrote, or one.

    Returns:
        Name to `head` (the data set's name, since its tasks share a head), `modality`, `labels` (id to organ,
        ascending), `one_piece` (ids of the organs of which a prediction keeps the largest piece), `spacing` (mm in
        plane) and `intensity` (`window_hu` or `percentiles`). A task is named as its data set, or
        `<data set>_<modality>` where that has several.

    Raises:
        RequestError: a data set is none of volumes, or two have one name.
    """
    table: dict[str, dict[str, Any]] = {}
    where: dict[str, str] = {}
    for folder in _folders(dataset_dirs):
        for name, task in _tasks(folder).items():
            if name in where:
                raise RequestError(f"{folder}: has the task {name!r} of {where[name]} too, wanted each name once")
            table[name], where[name] = task, folder
    heads = {where[name]: task["head"] for name, task in table.items()}
    if len(set(heads.values())) < len(heads):
        twice = [folder for folder, head in heads.items() if list(heads.values()).count(head) > 1]
        raise RequestError(f"{twice[1]}: has the name {heads[twice[1]]!r} of {twice[0]} too, wanted each name once")
    return table


def items(dataset_dirs: Sequence[str] | str, section: str, needed: bool = False) -> list[dict[str, Any]]:
    """The items of one section of all data sets.

    Args:
        dataset_dirs: directories that `prepare` wrote, or one.
        section: `training`, `unlabelled`, `validation` or a test section; not every data set needs to have it.
        needed: whether it is an error if all are empty.

    Returns:
        Items with absolute paths under `image` and `label`, and with `id`, `patient`, `modality` and `task`.

    Raises:
        RequestError: no data set has such a section, all are empty though needed, or a file is missing.
    """
    folders = _folders(dataset_dirs)
    task_table(folders)
    found: list[dict[str, Any]] = []
    names: list[str] = []
    for folder in folders:
        content = datalist.read(folder)
        named = {task["modality"]: name for name, task in _tasks(folder).items()}
        there = [name for name in content if name not in datalist.DESCRIPTION]
        names += there
        if section not in there:
            continue
        for item in datalist.section(folder, section):
            if item.get("modality") not in named:
                wanted = f"wanted one of {', '.join(named)}"
                raise RequestError(f"{folder}: {item['id']} has the modality {item.get('modality')!r}, {wanted}")
            found.append({**item, "task": named[item["modality"]]})
    if section not in names and section not in datalist.SECTIONS:
        wanted = ", ".join(dict.fromkeys(names))
        raise RequestError(f"{', '.join(folders)}: no section {section!r}, wanted one of {wanted}")
    if needed and not found:
        raise RequestError(f"{', '.join(folders)}: found no volume in {section!r}, wanted at least one")
    return found


def test_sections(dataset_dirs: Sequence[str] | str) -> list[str]:
    """The names of the test sections that hold a volume, in the order in which they come.

    Args:
        dataset_dirs: directories that `prepare` wrote, or one.

    Returns:
        At least one name.

    Raises:
        RequestError: there is none.
    """
    folders = _folders(dataset_dirs)
    names = [
        name
        for folder in folders
        for name, content in datalist.read(folder).items()
        if name not in (*datalist.DESCRIPTION, *datalist.SECTIONS) and content
    ]
    if not names:
        said = f"{', '.join(folders)}: found no volume in a test section"
        raise RequestError(f"{said}, wanted one (prepare with --test 0.2), or --test_section validation")
    return list(dict.fromkeys(names))


def check(dataset_dirs: Sequence[str] | str, labelled: bool = True) -> None:
    """Open every volume once, since what breaks in a loader's worker loses its name, and log what there is.

    Args:
        dataset_dirs: directories that `prepare` wrote, or one.
        labelled: whether each task needs a labelled training volume; else an unlabelled one will do.

    Raises:
        RequestError: a task has no such volume, a file is missing or broken, a label's grid is not its image's or
            holds an id that is not declared; names the first of them.
    """
    folders = _folders(dataset_dirs)
    table = task_table(folders)
    names = dict.fromkeys([*datalist.SECTIONS, *(name for folder in folders for name in _sections(folder))])
    sections = {name: items(folders, name) for name in names}
    for task in table:
        counts = {name: sum(item["task"] == task for item in found) for name, found in sections.items()}
        said = ", ".join(f"{name} {number or 'empty'}" for name, number in counts.items())
        logging.getLogger(__name__).info("%s: %s", task, said)
        if not counts["training"] and (labelled or not counts["unlabelled"]):
            volume = "labelled training volume" if labelled else "training or unlabelled volume"
            raise RequestError(f"{', '.join(folders)}: the task {task} has no {volume}, wanted one")
    everything = [item for found in sections.values() for item in found]
    problems = []
    # delay: no bar for what takes less than two seconds; disable=None: no bar where nobody watches a terminal
    for item in tqdm(everything, desc="checking volumes", unit="volume", delay=2, disable=None, leave=False):
        try:
            facts = table[item["task"]]
            load_volumes(_record(item), [int(one) for one in facts["labels"]], check_spacing(facts["spacing"]))
        except RequestError as error:
            problems.append(str(error))
    raise_problems(problems, len(everything))


def check_trained(
    dataset_dirs: Sequence[str] | str, trained: Mapping[str, Mapping[str, Any]], ckpt_path: str | Path
) -> None:
    """Check that weights know the tasks of some data sets as the data sets have them.

    Args:
        dataset_dirs: directories that `prepare` wrote, or one.
        trained: the task table of the weights.
        ckpt_path: where the weights are, for the message.

    Raises:
        RequestError: a task is unknown to the weights, or has other labels, another spacing or intensity there.
    """
    for folder in _folders(dataset_dirs):
        where = Path(folder) / datalist.FILE_NAME
        for name, task in _tasks(folder).items():
            if name not in trained:
                known = ", ".join(trained)
                raise RequestError(f"{where}: found the task {name!r}, wanted one that {ckpt_path} knows: {known}")
            for key in ("head", "modality", "labels", "spacing", "intensity"):
                if task[key] != trained[name][key]:
                    found, wanted = _apart(task[key], trained[name][key]), _apart(trained[name][key], task[key])
                    raise RequestError(f"{where}: {name} has the {key} {found}, wanted {wanted} as {ckpt_path} has")


def balanced(items: Sequence[Mapping[str, Any]], tasks: Mapping[str, Mapping[str, Any]]) -> list[float]:
    """Weights for `torch.utils.data.WeightedRandomSampler`, which make the draw of a task independent of its size.

    A task is drawn in proportion to the square root of its number of labels: thirteen organs take longer to learn than
    two, and drawn as often as those they would be learnt last.

    Args:
        items: what is drawn from, each with its `task`.
        tasks: the task table: name to `labels` among others.

    Returns:
        A weight for each item; those of a task add up to the square root of its number of labels.
    """
    counts = Counter(item["task"] for item in items)
    shares = {name: math.sqrt(len(tasks[name]["labels"])) / count for name, count in counts.items()}
    return [shares[item["task"]] for item in items]


def fingerprint(dataset_dirs: Sequence[str] | str) -> str:
    """What tells these data sets, in this order, from others.

    Args:
        dataset_dirs: directories that `prepare` wrote, or one.

    Returns:
        For example `btcv 3f2a9c04b1de, acdc 0c1d2e3f4a5b`.
    """
    return ", ".join(datalist.fingerprint(folder) for folder in _folders(dataset_dirs))


def _folders(dataset_dirs: Sequence[str] | str) -> list[str]:
    folders = [dataset_dirs] if isinstance(dataset_dirs, str | Path) else list(dataset_dirs)
    if not folders:
        raise RequestError("--dataset_dirs: found an empty list, wanted directories that prepare wrote")
    if "" in folders:
        raise RequestError("--dataset_dir: found nothing, wanted the data set's directory, as prepare writes it")
    return [str(folder) for folder in folders]


def _tasks(folder: str) -> dict[str, dict[str, Any]]:
    content = datalist.read(folder)
    path = Path(folder) / datalist.FILE_NAME
    if not isinstance(content.get("modalities"), dict) or not content["modalities"]:
        raise RequestError(f"{path}: found no modalities, wanted a data set of volumes, such as prepare btcv writes")
    name, modalities = content["name"], content["modalities"]
    tasks = {}
    try:
        labels = check_labels(content.get("labels"))
        one_piece = check_one_piece(content.get("one_piece", []), labels)
        spacing = list(check_spacing(content.get("spacing")))
        for modality, rule in modalities.items():
            task = name if len(modalities) == 1 else f"{name}_{modality}"
            tasks[task] = {
                "head": name,
                "modality": modality,
                "labels": {str(one): organ for one, organ in labels.items()},
                "one_piece": one_piece,
                "spacing": spacing,
                "intensity": check_intensity(modality, rule),
            }
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from None
    return tasks


def _apart(one: Any, other: Any) -> Any:
    """What one value has and the other has not: of labels those that differ, else all."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return one
    return {key: value for key, value in one.items() if other.get(key) != value}


def _sections(folder: str) -> Iterable[str]:
    return [name for name in datalist.read(folder) if name not in datalist.DESCRIPTION]


def _record(item: Mapping[str, Any]) -> Record:
    label = SourceFile(Path(item["label"])) if "label" in item else None
    return Record(item["id"], "", SourceFile(Path(item["image"])), label)
