"""Names to numbers. Axes: as in `custom.networks.m4oe`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from ...checks import RequestError
from ...targets.organ_task import HeadTask


class TaskNumbers:
    """The tasks, experts and heads of a task table, by number.

    Args:
        tasks: The task table.
        modalities: By when they joined, as in `M4oE`; None: all at once, by name, so that the
            order of the data sets makes no other network.
        shared: One expert for all modalities.

    Attributes:
        joined: `modalities` as given, filled in.
        names: The tasks in the order of their numbers.
        sees: Expert to how many experts, from the first on, images of its modality see.
        heads: Head to its number of classes, background included.
        modalities: All of `joined`, in the order of their numbers.
        modality_of: For each task the number of its modality.
        head_of: For each task the number of its head.
        classes_of: For each task the number of its classes.

    Raises:
        ValueError: `modalities` has one twice or lacks one, there is no task, or one head has two lists of labels.
        RequestError: A modality or head has a name that weights cannot have.

    Example:
        >>> tasks = {"btcv": {"head": "btcv", "modality": "ct", "labels": {"1": "spleen"}}}
        >>> TaskNumbers(tasks, modalities=[["mr"], ["ct"]], shared=False).sees
        {'mr': 1, 'ct': 2}
    """

    def __init__(self, tasks: Mapping[str, HeadTask], modalities: Sequence[Sequence[str]] | None, shared: bool) -> None:
        needed = sorted({task["modality"] for task in tasks.values()})
        self.joined = [needed] if modalities is None else [list(names) for names in modalities]
        names = [name for joined in self.joined for name in joined]
        if not tasks or len(set(names)) < len(names) or not set(needed) <= set(names):
            raise ValueError(f"modalities must have each of {needed} once, got {self.joined}")
        self.modalities = names
        self.sees: dict[str, int] = {}
        for joined in self.joined:
            self.sees.update(dict.fromkeys(joined, len(self.sees) + len(joined)))
        if shared:
            self.sees = {"shared": 1}
        self.heads: dict[str, int] = {}
        for name, task in tasks.items():
            classes = len(task["labels"]) + 1
            if self.heads.setdefault(task["head"], classes) != classes:
                raise ValueError(f"{name}: the head {task['head']!r} has {self.heads[task['head']] - 1} labels already")
        for name in (*self.modalities, *self.heads):
            if not name or "." in name or hasattr(nn.ModuleDict(), name):
                raise RequestError(f"{name!r} cannot be the name of a data set or modality here, wanted another one")
        self.names = list(tasks)
        heads = list(self.heads)
        self.modality_of = [names.index(task["modality"]) for task in tasks.values()]
        self.head_of = [heads.index(task["head"]) for task in tasks.values()]
        self.classes_of = [self.heads[task["head"]] for task in tasks.values()]
