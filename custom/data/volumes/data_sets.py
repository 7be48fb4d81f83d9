"""Several prepared data sets of volumes as one: a task is what one of them shows in one modality."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ...checks import RequestError
from ...targets.intensities import Spread, oddity
from ...targets.organ_task import HeadTask, OrganTask, TaskTable
from .. import datalist
from ..datalist import SECTIONS, DataList, Item, record_of
from ..prepared import check_items
from .files import load_volumes
from .values import check_intensity, check_labels, check_one_piece, check_spacing


class VolumeSets:
    """What `prepare` wrote of volumes, one data set or several; each `datalist.json` is read once.

    Args:
        dataset_dirs: Directories that `prepare` wrote, or one.

    Attributes:
        tasks: The task table. A task is named as its data set, or `<data set>_<modality>` where that has several.
        fingerprint: What tells these data sets, in this order, from others.
        trained_patients: Whose volumes are learnt from.

    Raises:
        RequestError: A directory or a list is missing, a data set is none of volumes, or two have one name.
    """

    def __init__(self, dataset_dirs: Sequence[str] | str) -> None:
        folders = [dataset_dirs] if isinstance(dataset_dirs, str | Path) else list(dataset_dirs)
        if not folders:
            raise RequestError("--dataset_dirs: found an empty list, wanted directories that prepare wrote")
        if "" in folders:
            raise RequestError("--dataset_dir: found nothing, wanted the data set's directory, as prepare writes it")
        self._lists = [datalist.read(folder) for folder in folders]
        self._named = [_tasks(one) for one in self._lists]
        self.tasks: TaskTable = {name: task for named in self._named for name, task in named.items()}
        self._check_names()
        self.fingerprint = ", ".join(one.fingerprint for one in self._lists)
        self.trained_patients = set().union(*(one.trained_patients for one in self._lists))
        self._where = ", ".join(str(one.folder) for one in self._lists)

    @property
    def intensities(self) -> dict[str, list[Spread]]:
        """What the training volumes of each task have, as `targets.intensities.spreads` gives it; 0.1.0 did not say."""
        return {
            name: one.head.get("intensities", {}).get(task["modality"], [])
            for one, named in zip(self._lists, self._named, strict=True)
            for name, task in named.items()
        }

    @property
    def test_section(self) -> str:
        """The first test section that holds a volume.

        Raises:
            RequestError: There is none.
        """
        for one in self._lists:
            for section in one.test_sections:
                if one.sections[section]:
                    return section
        found = f"{self._where}: found no volume in a test section"
        raise RequestError(f"{found}, wanted one (prepare with --test 0.2), or --test_section validation")

    def items(self, section: str, needed: bool = False) -> list[Item]:
        """The items of one section of all data sets.

        Args:
            section: `training`, `unlabelled`, `validation` or a test section; not every data set needs to have it.
            needed: Whether it is an error if all are empty.

        Returns:
            Items with absolute paths under `image` and `label`, and with `id`, `patient`, `modality` and `task`.

        Raises:
            RequestError: No data set has such a section, all are empty though needed, or a file is missing.
        """
        known = dict.fromkeys([*SECTIONS, *(name for one in self._lists for name in one.sections)])
        if section not in known:
            raise RequestError(f"{self._where}: no section {section!r}, wanted one of {', '.join(known)}")
        found = []
        for one, named in zip(self._lists, self._named, strict=True):
            task_of = {task["modality"]: name for name, task in named.items()}
            for item in one.items(section):
                if item.get("modality") not in task_of:
                    wanted = f"wanted one of {', '.join(task_of)}"
                    raise RequestError(
                        f"{one.folder}: {item['id']} has the modality {item.get('modality')!r}, {wanted}"
                    )
                found.append({**item, "task": task_of[item["modality"]]})
        if needed and not found:
            raise RequestError(f"{self._where}: found no volume in {section!r}, wanted at least one")
        return found

    def check(self, sections: Sequence[str] = SECTIONS, labelled: bool = True) -> None:
        """Look at every file that will be used, and log what there is.

        Args:
            sections: Those that will be used; with `training`, each task needs a volume to learn from.
            labelled: Whether that has to be a labelled training volume; else an unlabelled one will do.

        Raises:
            RequestError: A task has no such volume, a file is missing or broken, a label's grid is not its image's or
                holds an id that is not declared; names the first of them.
        """
        counts = {section: Counter(item["task"] for item in self.items(section)) for section in sections}
        for name in self.tasks:
            listed = ", ".join(f"{section} {count[name] or 'empty'}" for section, count in counts.items())
            logging.getLogger(__name__).info("%s: %s", name, listed)
            to_learn = counts["training"][name] if "training" in counts else 1
            if not to_learn and (labelled or not counts["unlabelled"][name]):
                volume = "labelled training volume" if labelled else "training or unlabelled volume"
                raise RequestError(f"{self._where}: the task {name} has no {volume}, wanted one")
        for one, named in zip(self._lists, self._named, strict=True):
            check_items(one, sections, "volume", partial(_open, named))

    def check_trained(self, trained: TaskTable, ckpt_path: str | Path) -> None:
        """Check that weights know the tasks as the data sets have them.

        Args:
            trained: The task table of the weights.
            ckpt_path: Where the weights are, for the message.

        Raises:
            RequestError: A task is unknown to the weights, or has other labels, another spacing or intensity there.
        """
        for one, named in zip(self._lists, self._named, strict=True):
            for name, task in named.items():
                if name not in trained:
                    known = ", ".join(trained)
                    raise RequestError(
                        f"{one.path}: found the task {name!r}, wanted one that {ckpt_path} knows: {known}"
                    )
                for key in ("head", "modality", "labels", "spacing", "intensity"):
                    ours, theirs = (table[key] for table in (task, trained[name]))  # type: ignore[literal-required]
                    if ours != theirs:
                        found, wanted = _apart(ours, theirs), _apart(theirs, ours)
                        raise RequestError(
                            f"{one.path}: {name} has the {key} {found}, wanted {wanted} as {ckpt_path} has"
                        )

    def _check_names(self) -> None:
        """Refuse two tasks, or two heads, of one name."""
        folder_of: dict[str, Path] = {}
        for one, named in zip(self._lists, self._named, strict=True):
            for name in named:
                if name in folder_of:
                    other = folder_of[name]
                    raise RequestError(f"{one.folder}: has the task {name!r} of {other} too, wanted each name once")
                folder_of[name] = one.folder
        first: dict[str, Path] = {}
        for one in self._lists:
            if (other := first.setdefault(one.head["name"], one.folder)) != one.folder:
                name = one.head["name"]
                raise RequestError(f"{one.folder}: has the name {name!r} of {other} too, wanted each name once")


def balanced(items: Sequence[Mapping[str, Any]], tasks: Mapping[str, HeadTask]) -> list[float]:
    """Weights for `torch.utils.data.WeightedRandomSampler`, which make the draw of a task independent of its size.

    A task is drawn in proportion to the square root of its number of labels: thirteen organs take longer to learn than
    two, and drawn as often as those they would be learnt last.

    Args:
        items: What is drawn from, each with its `task`.
        tasks: The task table.

    Returns:
        A weight for each item; those of a task add up to the square root of its number of labels.
    """
    counts = Counter(item["task"] for item in items)
    shares = {name: math.sqrt(len(tasks[name]["labels"])) / count for name, count in counts.items()}
    return [shares[item["task"]] for item in items]


def _tasks(one: DataList) -> dict[str, OrganTask]:
    modalities = one.head.get("modalities")
    if not isinstance(modalities, dict) or not modalities:
        raise RequestError(
            f"{one.path}: found no modalities, wanted a data set of volumes, such as prepare btcv writes"
        )
    name, tasks = one.head["name"], {}
    try:
        labels = check_labels(one.head.get("labels"))
        one_piece = check_one_piece(one.head.get("one_piece", []), labels)
        spacing = list(check_spacing(one.head.get("spacing")))
        for modality, rule in modalities.items():
            task: OrganTask = {
                "head": name,
                "modality": modality,
                "labels": {str(number): organ for number, organ in labels.items()},
                "one_piece": one_piece,
                "spacing": spacing,
                "intensity": check_intensity(modality, rule),
            }
            tasks[name if len(modalities) == 1 else f"{name}_{modality}"] = task
    except RequestError as error:
        raise RequestError(f"{one.path}: {error}") from None
    return tasks


def _open(tasks: Mapping[str, OrganTask], item: Item) -> Iterable[str]:
    task = next(iter(tasks.values()))  # labels and spacing are the data set's, whatever the modality
    pair = load_volumes(record_of(item), [int(one) for one in task["labels"]], check_spacing(task["spacing"]))
    notes = list(pair.image.notes)
    for other in tasks.values():
        if other["modality"] == item["modality"]:
            notes += filter(None, [oddity(pair.image.values, other["intensity"])])
    return [f"{item['image']}: {note}" for note in notes]


def _apart(one: Any, other: Any) -> Any:
    """What one value has and the other has not: of labels those that differ, else all."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return one
    return {key: value for key, value in one.items() if other.get(key) != value}
