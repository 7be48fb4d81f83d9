from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler


class TaskBatches(Sampler[list[int]]):
    """Batches of one task each, or mixed ones, whatever the sizes of the data sets.

    A task is drawn in proportion to the square root of its number of labels: thirteen organs take longer to learn than
    two, and drawn as often as those they would be learnt last. A batch of one task gives its batch norms and its loss
    several images to go by, where a mixed one has one or two of each; where all tasks share their batch norms, these
    need mixed batches, or they follow the task that came last.

    Draws are made by torch's default generator.

    Args:
        items: what is drawn from, each with its `task`.
        tasks: the task table: name to `labels` among others.
        batch_size: items in a batch; one may come twice.
        batches: batches in an epoch.
        mixed: whether the task is drawn for each item of a batch.

    Raises:
        ValueError: there is no item, or a number below 1.

    Example:
        >>> tasks = {"btcv": {"labels": {"1": "spleen"}}, "acdc": {"labels": {"1": "left ventricle"}}}
        >>> items = [{"task": "btcv"}, {"task": "acdc"}, {"task": "btcv"}]
        >>> all(set(batch) <= {0, 2} or set(batch) == {1} for batch in TaskBatches(items, tasks, 4, 10))
        True
    """

    def __init__(
        self,
        items: Sequence[Mapping[str, Any]],
        tasks: Mapping[str, Mapping[str, Any]],
        batch_size: int,
        batches: int,
        mixed: bool = False,
    ) -> None:
        if not items or batch_size < 1 or batches < 1:
            raise ValueError(f"items, batch_size, batches: got {len(items)}, {batch_size}, {batches}, wanted >= 1 each")
        names = [name for name in tasks if any(item["task"] == name for item in items)]
        self.members = [torch.tensor([i for i, item in enumerate(items) if item["task"] == name]) for name in names]
        self.shares = torch.tensor([math.sqrt(len(tasks[name]["labels"])) for name in names])
        self.batch_size, self.batches, self.mixed = batch_size, batches, mixed

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[list[int]]:
        for _ in range(self.batches):
            drawn = torch.multinomial(self.shares, self.batch_size if self.mixed else 1, replacement=True).tolist()
            tasks = drawn if self.mixed else drawn * self.batch_size
            yield [int(self.members[task][torch.randint(len(self.members[task]), ())]) for task in tasks]
