"""What an evaluation found, ready to be written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .wording import Wording

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """An image or volume worth looking at.

    Attributes:
        rank: `best`, `median` or `worst`.
        row: Its scores.
        image: The picture as it was, uint8 (h, w, 3); None where the overlay shows it too.
        overlay: The picture with outlines, uint8 (h, w, 3).
        group: Where the page has several: whose best, median or worst it is.
    """

    rank: str
    row: Row
    image: np.ndarray | None
    overlay: np.ndarray
    group: str = ""


@dataclass(frozen=True)
class Findings:
    """What an evaluation found. A group is what is summed up together: a section of tiles, a task of volumes.

    Attributes:
        wording: What the page says.
        table: Rows of `metrics.csv`.
        summary: What `metrics_summary.json` begins with.
        groups: Group to its sums, as the page shows them: `scores`, `patients` and how many things there are.
        rows: Group to a row of scores an image or volume.
        cases: What to show of them.
        gate_use: As the wording takes it; empty: nothing.
        figures: By name, the figures that are kept as files too.
    """

    wording: Wording
    table: Sequence[Row]
    summary: Mapping[str, Any]
    groups: Mapping[str, Any]
    rows: Mapping[str, Sequence[Row]]
    cases: Sequence[Case]
    gate_use: Any = None
    figures: Mapping[str, Figure] = field(default_factory=dict)


def best_median_worst(values: Sequence[float]) -> dict[str, int]:
    """Which of several things to show.

    Args:
        values: Of each, the higher the better; NaN counts as the best.

    Returns:
        `best`, `median` and `worst`, each with its place in the list.
    """
    order = sorted(range(len(values)), key=lambda index: np.nan_to_num(values[index], nan=np.inf))
    return {"best": order[-1], "median": order[len(order) // 2], "worst": order[0]}


def overlay_name(group: str, name: str) -> str:
    """The file of an overlay: a name that any file system takes and that stays in its folder.

    Args:
        group: Whose it is, where there are several; may be empty.
        name: What the image or volume is called.
    """
    text = "_".join(filter(None, [group, name]))
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in text) + ".png"


def trained_too(rows: Sequence[Row], trained_patients: Collection[str]) -> dict[str, int]:
    """How many of the patients that are scored had other images in the training.

    Args:
        rows: A row of scores an image or volume, each with its `patient`.
        trained_patients: Patients that the data set has for the training.

    Returns:
        `patients_in_training`; nothing where no patient is known.
    """
    patients = {str(row["patient"]) for row in rows if row["patient"]}
    return {"patients_in_training": len(patients & set(trained_patients))} if patients else {}
