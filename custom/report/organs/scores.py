"""The scores of volumes: a row for each volume and organ, then means with intervals for each task.

Axes: x, y, z = the three axes of a volume in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...metrics import bootstrap_interval, organ_scores
from ...metrics.organs import SCORES, TOLERANCE_MM
from ...targets.organ_task import HeadTask, organs
from ..score import Score

# Of a volume: means over its organs.
ORGAN_SCORES = (
    Score("dice", "Dice", "", True, "Overlap of each organ with its reference, averaged over the organs."),
    Score("dice_8", "Dice, 8 organs", "", True, "The same over the eight organs that most tables of BTCV report."),
    Score("surface_dice", "Surface Dice", "", True,
          "Share of the outlines that lie within the tolerance of each other, averaged over the organs."),
    Score("hd95_mm", "HD95", "mm", False,
          "95th percentile of the distances between the outlines, averaged over the organs; missed: the diagonal."),
)  # fmt: skip
# The organs whose mean most tables of BTCV report (Chen et al., TransUNet, arXiv 2102.04306).
ORGANS_8 = ("spleen", "right kidney", "left kidney", "gallbladder", "liver", "stomach", "aorta", "pancreas")


class OrganScores:
    """Scores each volume as it comes and sums the tasks up.

    Args:
        tasks: The task table: name to `labels` (id to organ, ascending) and `modality`.
        tolerance_mm: Of surface Dice; one for all tasks, or by task (2 mm where a task is not named).

    Attributes:
        rows: A row a volume and organ, as in `metrics.csv`.

    Example:
        >>> scores = OrganScores({"acdc": {"modality": "mr", "labels": {"1": "ventricle"}}})
        >>> scores.add("acdc", "a", "7", np.ones((2, 2, 2)), np.ones((2, 2, 2)), (1.0, 1.0, 1.0))
        >>> scores.summary()["acdc"]["mean"]["scores"]["dice"]["mean"]
        1.0
    """

    def __init__(self, tasks: Mapping[str, HeadTask], tolerance_mm: float | Mapping[str, float] = TOLERANCE_MM) -> None:
        self.tasks = dict(tasks)
        given = tolerance_mm if isinstance(tolerance_mm, Mapping) else dict.fromkeys(tasks, tolerance_mm)
        unknown = [name for name in given if name not in self.tasks]
        if unknown:
            raise ValueError(f"tolerance_mm must name tasks among {', '.join(tasks)}, got {', '.join(unknown)}")
        self.tolerances = {name: float(given.get(name, TOLERANCE_MM)) for name in self.tasks}
        self.rows: list[dict[str, Any]] = []

    def add(self, task: str, name: str, patient: str, prediction: Any, label: Any, spacing: Sequence[float]) -> None:
        """Score a volume.

        Args:
            task: Which task it was predicted for.
            name: What the volume is called.
            patient: Whose it is; empty where unknown.
            prediction: Channel numbers (x, y, z), 0 for background.
            label: The same of the reference.
            spacing: Size of a voxel along each axis in mm.

        Raises:
            ValueError: If the sizes differ or a channel is unknown.
        """
        found = organ_scores(prediction, label, spacing, organs(self.tasks[task]), self.tolerances[task])
        for organ, scores in found.items():
            self.rows.append({"task": task, "id": name, "patient": patient, "organ": organ, **scores})

    def organ_values(self, task: str) -> dict[str, list[dict[str, Any]]]:
        """The rows of a task by organ, in the order of its channels.

        Args:
            task: Its name.
        """
        rows = [row for row in self.rows if row["task"] == task]
        return {organ: [row for row in rows if row["organ"] == organ] for organ in organs(self.tasks[task])}

    def volumes(self, task: str) -> list[dict[str, Any]]:
        """A row for each volume of a task: means over its organs, NaN where it has none and none was found.

        Args:
            task: Its name.

        Returns:
            Rows with `id`, `patient`, the scores, `dice_8` where the task has those organs, and counts: `organs` (in
            the reference), `missed`, `extra`.
        """
        by_organ = self.organ_values(task)
        volumes = []
        for rows in zip(*by_organ.values(), strict=True):
            means = {score: _mean([row[score] for row in rows]) for score in SCORES}
            if set(ORGANS_8) <= set(by_organ):
                means["dice_8"] = _mean([row["dice"] for row in rows if row["organ"] in ORGANS_8])
            outcomes = [row["outcome"] for row in rows]
            counts = {"organs": sum(outcome in ("found", "missed") for outcome in outcomes)}
            counts |= {outcome: outcomes.count(outcome) for outcome in ("missed", "extra")}
            volumes.append({"id": rows[0]["id"], "patient": rows[0]["patient"], **means, **counts})
        return volumes

    def summary(self, seed: int = 0) -> dict[str, Any]:
        """Sum up each task that a volume was scored of.

        Args:
            seed: Seed of the bootstrap.

        Returns:
            By task `modality`, `volumes`, `patients` (None where none is known), `tolerance_mm`; `organs`: by organ
            `cases` (volumes whose reference holds it), `misses` of these, `false_positives` (volumes that have none
            and where it was found), and `scores` (name to `mean`, `low` and `high` of the 95 % interval, NaN where
            there is none); `mean`: `organs` (how many count) and `scores` of the mean over organs of their means; and
            `mean_8`, the same over `ORGANS_8` where the task has them all.
        """
        tasks = dict.fromkeys(row["task"] for row in self.rows)
        return {task: self._task(task, seed) for task in tasks}

    def _task(self, task: str, seed: int) -> dict[str, Any]:
        by_organ = self.organ_values(task)
        volumes = next(iter(by_organ.values()))
        patients = [row["patient"] or None for row in volumes]
        known = {patient for patient in patients if patient is not None}
        groups = patients if known else None
        scored = {}
        for organ, rows in by_organ.items():
            outcomes = [row["outcome"] for row in rows]
            scored[organ] = {
                "cases": outcomes.count("found") + outcomes.count("missed"),
                "misses": outcomes.count("missed"),
                "false_positives": outcomes.count("extra"),
                "scores": _scores([rows], groups, seed),
            }
        summary = {
            "modality": self.tasks[task]["modality"],
            "volumes": len(volumes),
            "patients": len(known) or None,
            "tolerance_mm": self.tolerances[task],
            "organs": scored,
            "mean": {"organs": _counting(by_organ), "scores": _scores(list(by_organ.values()), groups, seed)},
        }
        if set(ORGANS_8) <= set(by_organ):
            eight = {organ: by_organ[organ] for organ in ORGANS_8}
            summary["mean_8"] = {"organs": _counting(eight), "scores": _scores(list(eight.values()), groups, seed)}
        return summary


def _scores(
    by_organ: Sequence[Sequence[Mapping[str, Any]]], groups: Sequence[str | None] | None, seed: int
) -> dict[str, dict[str, float]]:
    """Mean over organs of each organ's mean, with its interval, by score."""
    scores = {}
    for score in SCORES:
        values = np.array([[row[score] for row in rows] for rows in by_organ], dtype=float).T
        if not np.isfinite(values).any():
            scores[score] = dict.fromkeys(("mean", "low", "high"), float("nan"))
            continue
        # A volume without the organ says nothing of it, nor does its patient.
        scored = np.isfinite(values).any(axis=1)
        kept = None if groups is None else [group for group, has in zip(groups, scored, strict=True) if has]
        low, high = bootstrap_interval(values[scored], kept, seed=seed)
        mean = _mean([_mean(column) for column in values.T])
        scores[score] = {"mean": mean, "low": low, "high": high}
    return scores


def _counting(by_organ: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
    """How many organs there are or were found in any volume."""
    return sum(any(row["outcome"] != "absent" for row in rows) for rows in by_organ.values())


def _mean(values: Sequence[float] | np.ndarray) -> float:
    """Mean of what is finite; NaN where nothing is."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    return float(finite.mean()) if len(finite) else float("nan")
