"""What each part of the method earns: train and evaluate each control on one prepared data set, and print the table.

    python benchmarks/gland_controls.py run --data DATA --output RUNS --rows supervised,mean_teacher --seeds 0,1,2
    python benchmarks/gland_controls.py collect --output RUNS --to docs/runs/glas_20
    python benchmarks/gland_controls.py table --output docs/runs/glas_20

Every run is made by the documented commands and stays in `RUNS/<row>_seed<seed>`; what is finished is passed over, what
was cut short goes on. Two commands with other rows side by side use two cores better than one with two threads.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import fire
import numpy as np
from controls import collect, difference, evaluate, is_evaluated, row, train
from words import words

from custom.report.history import read_history

# Row -> variants of configs/train.json, which is the mean teacher with one expert.
ROWS = {
    "supervised": ["supervised"],
    "mean_teacher": [],
    "semi_moe": ["semi_moe"],
    "average_gate": ["semi_moe", "average_gate"],
    "segmentation_experts": ["semi_moe", "segmentation_experts"],
}
BASELINE = "mean_teacher"
COMPARED = ("dice", "object_f1", "object_dice")
PER_IMAGE = ("dice", "object_f1", "object_dice", "object_hausdorff_px")


class Run(NamedTuple):
    """What a run's files say: scores by image, scores of the whole section, patients by image, minutes."""

    images: dict[str, dict[str, float]]
    whole: dict[str, float]
    patients: dict[str, str]
    minutes: float


def run(
    data: str, output: str, rows: str = ",".join(ROWS), seeds: str = "0,1,2", epochs: int = 4, section: str = "testA"
) -> None:
    """Train and evaluate rows that are not finished yet.

    Args:
        data: The prepared data set.
        output: Where the runs go.
        rows: Names of rows, separated by commas.
        seeds: Seeds, separated by commas.
        epochs: Epochs of 100 steps, the same for every row.
        section: The section that is evaluated, with the last weights; nothing is chosen on it.
    """
    for seed in words(seeds):
        for name in words(rows):
            folder, configs = Path(output).resolve() / f"{name}_seed{seed}", ["train", *ROWS[name]]
            options = {"dataset_dir": Path(data).resolve(), "seed": seed}
            if not is_evaluated(folder, section):
                train(folder, configs, {**options, "max_epochs": epochs})
                evaluate(folder, [*configs, "evaluate"], options, section)


def table(output: str, section: str = "testA") -> None:
    """Print a row of means and ranges over seeds for each control, and its paired differences to the baseline.

    The first score is what a choice may look at: Dice on the validation images at the end of the training, with two
    views (absent where there are none).

    Args:
        output: Where the runs are.
        section: The section that was evaluated.
    """
    runs = _read(Path(output), section)
    names = ["validation", "dice", "mdice", "mjaccard", *PER_IMAGE[1:]]
    row("row", "seeds", *names, f"against {BASELINE}: {', '.join(COMPARED)}", "minutes", head=True)
    for name in [name for name in ROWS if name in runs]:
        cells = [_cell(runs[name], score) for score in names]
        against = "; ".join(_against_baseline(runs, name, score) for score in COMPARED)
        row(name, len(runs[name]), *cells, against, f"{np.mean([one.minutes for one in runs[name]]):.0f}")


def _read(output: Path, section: str) -> dict[str, list[Run]]:
    """The runs of each row, by seed."""
    runs = defaultdict(list)
    for summary in sorted(output.glob(f"*_seed*/evaluation_{section}/metrics_summary.json")):
        folder = summary.parent.parent
        with open(summary.parent / "metrics.csv", newline="") as file:
            images = list(csv.DictReader(file))
        scores = {name: {image["id"]: float(image[name]) for image in images} for name in PER_IMAGE}
        pooled = json.loads(summary.read_text())["sections"][section]["pooled"]
        whole = {**pooled, "validation": read_history(folder / "history.csv")[-1].get("validation/dice", np.nan)}
        patients = {image["id"]: image["patient"] for image in images}
        minutes = float((folder / "seconds.txt").read_text()) / 60
        runs[folder.name.rsplit("_seed", 1)[0]].append(Run(scores, whole, patients, minutes))
    return runs


def _cell(runs: Sequence[Run], score: str) -> str:
    """Mean of a score over seeds, with its range where there are several."""
    by_image = score in PER_IMAGE
    values = [float(np.mean(list(one.images[score].values())) if by_image else one.whole[score]) for one in runs]
    if "hausdorff" in score:
        return f"{np.mean(values):.1f}"
    spread = f" ({min(values):.3f}-{max(values):.3f})" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


def _against_baseline(runs: Mapping[str, Sequence[Run]], name: str, score: str) -> str:
    """Mean over seeds of each image's score, minus the baseline's."""
    if name == BASELINE or BASELINE not in runs:
        return "-"
    patients = {image: patient for found in runs.values() for one in found for image, patient in one.patients.items()}
    ids = sorted(patients)
    ours, theirs = (
        np.mean([[[run.images[score][one]] for one in ids] for run in runs[which]], axis=0)
        for which in (name, BASELINE)
    )
    return difference(ours, theirs, [patients[one] for one in ids])


if __name__ == "__main__":
    fire.Fire({"run": run, "collect": collect, "table": table})
