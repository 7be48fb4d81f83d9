"""The score by which the best weights of several data sets are chosen."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from ignite.engine import Engine
from ignite.metrics import Metric
from monai.utils import convert_to_tensor

from ..targets.organ_task import HeadTask, class_counts


class TaskDice(Metric):
    """Dice of the organs of a volume, averaged over its organs, then over a task's volumes, then over the tasks.

    So a data set of many small volumes weighs no more than one of a few large ones. An organ that is neither there nor
    found is left out; one that is missed, or found where there is none, counts 0.

    Args:
        tasks: The task table: name to `labels` among others.

    Example:
        >>> metric = TaskDice({"a": {"labels": {"1": "liver"}}})
        >>> metric.add("a", torch.tensor([0, 1, 1]), torch.tensor([1, 1, 1]))  # 2 * 2 / (2 + 3)
        >>> metric.compute()
        0.8
    """

    def __init__(self, tasks: Mapping[str, HeadTask]) -> None:
        self.classes = dict(zip(tasks, class_counts(tasks), strict=True))
        super().__init__()

    def reset(self) -> None:
        """Forget what was added."""
        self._dice: dict[str, list[float]] = defaultdict(list)

    def iteration_completed(self, engine: Engine) -> None:
        """Add the volumes of an evaluator's iteration: items with `task` and `label`, outputs with `pred`."""
        state: Any = engine.state
        for item, output in zip(state.batch, state.output, strict=True):
            self.add(str(item["task"]), output["pred"], item["label"])

    def update(self, output: tuple[str, torch.Tensor, torch.Tensor]) -> None:
        """Add one volume: task, prediction and label, as in `add`."""
        self.add(*output)

    def add(self, task: str, prediction: torch.Tensor, label: torch.Tensor) -> None:
        """Add one volume.

        Args:
            task: Its task.
            prediction: Channel numbers of the task's head, any shape.
            label: The same of the truth.
        """
        classes = self.classes[task]
        found, true = (convert_to_tensor(one, track_meta=False).flatten().long().cpu() for one in (prediction, label))
        pairs = torch.bincount(true * classes + found, minlength=classes**2).reshape(classes, classes).double()
        dice = (2 * pairs.diagonal() / (pairs.sum(0) + pairs.sum(1)))[1:]
        self._dice[task].append(float(dice.nanmean()))

    def compute(self) -> float:
        """The mean over the tasks; NaN where no volume holds an organ."""
        volumes = [[one for one in dice if not math.isnan(one)] for dice in self._dice.values()]
        tasks = [sum(dice) / len(dice) for dice in volumes if dice]
        return sum(tasks) / len(tasks) if tasks else math.nan
