"""Volumes in a directory, for inference: which there are, which can be read, and what is asked of them."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ...checks import RequestError, did_you_mean
from ...targets.intensities import Spread, oddity, spread, unlike
from ...targets.organ_task import TaskTable
from .. import inputs
from ..datalist import Item
from ..images import IMAGE_SUFFIXES
from ..source_file import SourceFile, files_below
from .decode import decode
from .files import check_slices
from .layout import VOLUME_SUFFIXES
from .values import check_spacing

SUFFIXES = (*VOLUME_SUFFIXES, *IMAGE_SUFFIXES)


def listing(directory: str | os.PathLike[str], output_dir: str | os.PathLike[str] = "") -> list[str]:
    """All volumes below a directory, in the order of their names, at least one; a picture is a volume of one slice.

    Args:
        directory: The directory, or one volume.
        output_dir: Where results go; what lies there is no input, if it is a folder within the directory.

    Raises:
        RequestError: Nothing is there, no volume is, or the one file is none.
    """
    found = files_below(directory, SUFFIXES, "volume", output_dir or None)
    if Path(directory).is_file() and SourceFile(Path(directory)).suffix not in SUFFIXES:
        raise RequestError(f"{directory}: wanted {', '.join(VOLUME_SUFFIXES)}, or a slice as a picture; convert it")
    return found


def chosen(tasks: TaskTable, task: Any) -> list[str]:
    """The tasks that a user asks for.

    Args:
        tasks: The task table of the weights.
        task: A name, several, or nothing, which is enough where there is but one task.

    Returns:
        Names, each once, in the order given.

    Raises:
        RequestError: A task is unknown, none is named though there are several, or their modalities differ.
    """
    if not isinstance(tasks, Mapping):
        raise RequestError(f"--tasks: found {tasks!r}, wanted --task {tasks}: the table is the weights' own")
    known = ", ".join(f"{name} ({one['modality']})" for name, one in tasks.items())
    names = list(dict.fromkeys([task] if isinstance(task, str) and task else map(str, task or [])))
    if not names and len(tasks) == 1:
        names = list(tasks)
    if not names:
        raise RequestError(f"--task: found none, wanted one or several of {known}")
    for name in names:
        if name not in tasks:
            raise RequestError(f"--task: found {name!r}, wanted one or several of {known}{did_you_mean(name, tasks)}")
    if len({tasks[name]["modality"] for name in names}) > 1:
        found = ", ".join(f"{name} is {tasks[name]['modality']}" for name in names)
        raise RequestError(f"--task: {found}; wanted tasks of one modality, since a volume has one")
    return names


def readable(
    paths: Sequence[str],
    tasks: TaskTable,
    names: Sequence[str],
    intensities: Mapping[str, Sequence[Spread]] | None = None,
) -> list[Item]:
    """The volumes that can be read, as items of a data set; the others are named in the log.

    A volume is an item once for all tasks that want its intensities the same, so that they can share a pass.

    Args:
        paths: As `listing` gives them.
        tasks: The task table.
        names: As `chosen` gives them.
        intensities: What the weights' training volumes had, by task, as `targets.intensities.spreads` gives it; what
            is far from it is named in the log.

    Returns:
        Items with `image`, `tasks` (the names of those predicted together) and `task` (the first of them).

    Raises:
        RequestError: None can be read.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(repr(tasks[name]["intensity"]), []).append(name)
    wanted = {name: tasks[name] for name in names}
    return inputs.readable(paths, "volume", partial(_open, wanted, list(groups.values()), intensities or {}))


def _open(
    tasks: TaskTable, groups: Sequence[list[str]], intensities: Mapping[str, Sequence[Spread]], path: str
) -> list[Item]:
    file = SourceFile(Path(path))
    image = decode(file, check_spacing(list(tasks[groups[0][0]]["spacing"])))
    notes = dict.fromkeys(image.notes)
    for name, task in tasks.items():
        check_slices(file, image, check_spacing(list(task["spacing"])))
        odd = oddity(image.values, task["intensity"])
        odd = odd or unlike(spread(image.values, task["intensity"]), intensities.get(name, ()))
        notes |= {f"for {name}, {odd}" if odd and len(tasks) > 1 else odd: None}
    for note in filter(None, notes):
        logging.getLogger(__name__).warning("%s: %s", path, note)
    return [{"image": path, "task": group[0], "tasks": group} for group in groups]
