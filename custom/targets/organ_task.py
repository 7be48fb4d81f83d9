"""What an organ task is: whose organs are looked for, in which channel each is, and how intensities are scaled.

A task is what one data set shows in one modality. A *task table* maps each task's name to the task; its order numbers
the tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np

from .padding import without_padding


class HeadTask(TypedDict):
    """What shapes a network's weights.

    Attributes:
        head: The data set's name, since its tasks share a head.
        modality: Which expert is its own.
        labels: Id in the label files to organ, ascending by id.
    """

    head: str
    modality: str
    labels: dict[str, str]


class OrganTask(HeadTask):
    """What a data set of volumes says of itself, and weights trained on it keep.

    Attributes:
        one_piece: Ids of the organs that are one connected piece, of which a prediction keeps the largest.
        spacing: Mm in plane at which slices are learnt and predicted.
        intensity: `{"window_hu": [low, high]}`, or `{"percentiles": [low, high]}` of the volume: what becomes 0 and 1.
    """

    one_piece: list[int]
    spacing: list[float]
    intensity: dict[str, list[float]]


TaskTable = Mapping[str, OrganTask]


def channels(task: HeadTask) -> dict[int, int]:
    """The channel of each label id: 0 is background, then the ids in ascending order.

    Args:
        task: The task.

    Example:
        >>> channels({"head": "a", "modality": "ct", "labels": {"10": "liver", "2": "spleen"}})
        {0: 0, 2: 1, 10: 2}
    """
    return {one: channel for channel, one in enumerate([0, *sorted(map(int, task["labels"]))])}


def organs(task: HeadTask) -> list[str]:
    """The organs in the order of their channels, without background.

    Args:
        task: The task.
    """
    return [task["labels"][str(one)] for one in list(channels(task))[1:]]


def class_counts(tasks: Mapping[str, HeadTask]) -> list[int]:
    """Number of classes of each task, background included.

    Args:
        tasks: The task table.
    """
    return [len(task["labels"]) + 1 for task in tasks.values()]


def kept(tasks: Mapping[str, HeadTask]) -> dict[str, HeadTask]:
    """What of a task table shapes a network's weights.

    Args:
        tasks: The task table.
    """
    return {
        name: {"head": task["head"], "modality": task["modality"], "labels": task["labels"]}
        for name, task in tasks.items()
    }


def intensity_range(values: np.ndarray, intensity: Mapping[str, list[float]]) -> tuple[float, float]:
    """What becomes 0 and 1 where a volume's intensities are scaled.

    Args:
        values: The volume, of any shape; neither padding nor what is not finite counts in percentiles.
        intensity: As an `OrganTask` has it.

    Returns:
        Low and high; the same where the volume has one value or none.
    """
    if "window_hu" in intensity:
        low, high = intensity["window_hu"]
        return float(low), float(high)
    values = without_padding(values).ravel()
    if values.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
        values = values[finite]
    if not values.size:
        return 0.0, 0.0
    low, high = np.percentile(values, intensity["percentiles"])
    if low == high and (others := values[values != low]).size:
        # One value fills nearly all, such as the air around a turned volume: what was measured are the others.
        low, high = np.percentile(others, intensity["percentiles"])
    return float(low), float(high)
