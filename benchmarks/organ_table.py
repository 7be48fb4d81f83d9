"""The tables of the organ recipe's controls, from the files that their runs left."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from controls import difference, row
from organ_rows import BASELINE, ROWS, SECTION

from custom.report.organs.scores import ORGANS_8


class Run(NamedTuple):
    """A run: the summary by task, Dice and patient by volume, and minutes; its parts are merged."""

    tasks: dict[str, Any]
    dice: dict[tuple[str, str, str], float]
    patients: dict[tuple[str, str], str | None]
    minutes: float


def table(output: str) -> None:
    """Print each control's scores and its paired differences to the baseline, then Dice by organ.

    Intervals are of 95 % over patients; with several seeds, their ends and all scores are means over the seeds. A
    difference counts where both controls score an organ of a volume. Minutes are those of all trainings of a row.

    Args:
        output: Where the runs are.
    """
    read: dict[str, list[Run]] = defaultdict(list)
    for folder in sorted(Path(output).glob("*_seed*")):
        if any(folder.rglob(f"evaluation_{SECTION}/*.json")):
            read[folder.name.rsplit("_seed", 1)[0]].append(_read(folder))
    runs = {name: read[name] for name in ROWS if name in read}
    tasks = {name: task for found in runs.values() for name, task in found[0].tasks.items()}
    means = [(name, key) for name, task in tasks.items() for key in ("mean_8", "mean") if key in task]
    labels = [f"{name}, {tasks[name][key]['organs']} organs" for name, key in means]
    against = [f"{label}, against {BASELINE}" for label in labels]
    row("row", "seeds", *labels, *(f"{name}, HD95 mm" for name in tasks), "minutes", *against, head=True)
    for name, found in runs.items():
        dice = [_mean(found, task, key, "scores", "dice", ends=True) for task, key in means]
        far = [_mean(found, task, "mean", "scores", "hd95_mm") for task in tasks]
        minutes = f"{np.mean([one.minutes for one in found]):.0f}"
        row(name, len(found), *dice, *far, minutes, *(_against_baseline(runs, name, *mean) for mean in means))
    print()
    row("data set", "organ", *runs, head=True)
    for task, summary in tasks.items():
        for organ in summary["organs"]:
            row(task, organ, *(_mean(found, task, "organs", organ, "scores", "dice") for found in runs.values()))


def _read(folder: Path) -> Run:
    tasks: dict[str, Any] = {}
    dice: dict[tuple[str, str, str], float] = {}
    patients: dict[tuple[str, str], str | None] = {}
    for summary in folder.rglob(f"evaluation_{SECTION}/metrics_summary.json"):
        tasks |= json.loads(summary.read_text())["tasks"]
        with open(summary.parent / "metrics.csv", newline="") as file:
            for line in csv.DictReader(file):
                dice[line["task"], line["id"], line["organ"]] = float(line["dice"] or "nan")
                patients[line["task"], line["id"]] = line["patient"] or None
    minutes = sum(float(spent.read_text()) for spent in folder.rglob("seconds.txt")) / 60
    return Run(tasks, dice, patients, minutes)


def _mean(runs: Sequence[Run], task: str, *path: str, ends: bool = False) -> str:
    """Mean over seeds of what stands under a path in a task's summary, with the ends of its interval if wanted."""
    if any(task not in one.tasks for one in runs):
        return "-"
    scores = [one.tasks[task] for one in runs]
    for step in path:
        scores = [one[step] for one in scores]
    # What has no value is null in the file, and NaN here.
    found = np.array([[one[end] for end in ("mean", "low", "high")] for one in scores], dtype=float).mean(axis=0)
    mean, low, high = (f"{value:.{1 if 'hd95_mm' in path else 3}f}" for value in found)
    return f"{mean} ({low}-{high})" if ends else mean


def _against_baseline(runs: Mapping[str, Sequence[Run]], name: str, task: str, key: str) -> str:
    """Mean over organs of a task's Dice minus the baseline's."""
    base = runs.get(BASELINE)
    if name == BASELINE or base is None or any(task not in one.tasks for one in [*runs[name], *base]):
        return "-"
    organs = ORGANS_8 if key == "mean_8" else base[0].tasks[task]["organs"]
    volumes = [volume for whose, volume in base[0].patients if whose == task]
    ours, theirs = (
        np.mean([[[one.dice[task, volume, organ] for organ in organs] for volume in volumes] for one in which], axis=0)
        for which in (runs[name], base)
    )
    return difference(ours, theirs, [base[0].patients[task, volume] for volume in volumes])
