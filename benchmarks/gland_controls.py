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
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import fire
import numpy as np
from words import words

from custom.metrics import bootstrap_interval
from custom.place import bundle_root
from custom.report.history import read_history

# Row -> overlays on configs/train.json, which is the mean teacher with one expert.
ROWS = {
    "supervised": ["supervised"],
    "mean_teacher": [],
    "semi_moe": ["semi_moe"],
    "average_gate": ["semi_moe", "average_gate"],
    "segmentation_experts": ["semi_moe", "segmentation_experts"],
}
BASELINE = "mean_teacher"
KEPT = ("sections", "seed", "commit", "versions", "checkpoint_sha256", "started")
COMPARED = ("dice", "object_f1", "object_dice")
PER_IMAGE = ("dice", "object_f1", "object_dice", "object_hausdorff_px")


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
        for row in words(rows):
            folder = Path(output).resolve() / f"{row}_seed{seed}"
            if not (folder / f"evaluation_{section}" / "metrics_summary.json").exists():
                _run_one(Path(data).resolve(), folder, ROWS[row], seed, epochs, section)


def collect(output: str, to: str) -> None:
    """Copy what a run's figures come from, without the paths of the machine, so that it can stand in the docs.

    Args:
        output: Where the runs are.
        to: Where the copies go, in the same layout.
    """
    for summary in sorted(Path(output).glob("*_seed*/evaluation_*/metrics_summary.json")):
        target = Path(to) / summary.parent.relative_to(output)
        target.mkdir(parents=True, exist_ok=True)
        content = json.loads(summary.read_text())
        kept = {name: content[name] for name in KEPT if name in content}
        (target / summary.name).write_text(json.dumps(kept, indent=1) + "\n")
        shutil.copy(summary.parent / "metrics.csv", target)
        for name in ("history.csv", "seconds.txt"):
            shutil.copy(summary.parent.parent / name, target.parent)


def table(output: str, section: str = "testA") -> None:
    """Print a row of means and ranges over seeds for each control, and its paired differences to the baseline.

    The first score is what a choice may look at: Dice on the validation images at the end of the training, with two
    views (absent where there are none).

    Args:
        output: Where the runs are.
        section: The section that was evaluated.
    """
    scores, pooled, minutes, patients = _read(Path(output), section)
    names = ["validation", "dice", "mdice", "mjaccard", *PER_IMAGE[1:]]
    compared = ", ".join(COMPARED)
    print(f"| row | seeds | {' | '.join(names)} | against {BASELINE}: {compared} | minutes |")
    print("|---" * (len(names) + 4) + "|")
    for row in [name for name in ROWS if name in scores]:
        cells = []
        for name in names:
            values = [
                np.mean(list(seed[name].values())) if name in PER_IMAGE else seed[name]
                for seed in _both(scores, pooled, row)
            ]
            spread = f" ({min(values):.3f}-{max(values):.3f})" if len(values) > 1 else ""
            cells.append(f"{np.mean(values):.3f}{spread}" if "hausdorff" not in name else f"{np.mean(values):.1f}")
        cells += ["; ".join(_difference(scores, row, patients, name) for name in COMPARED)]
        cells += [f"{np.mean(minutes[row]):.0f}"]
        print(f"| {row} | {len(scores[row])} | {' | '.join(cells)} |")


def _run_one(data: Path, folder: Path, overlays: list[str], seed: str, epochs: int, section: str) -> None:
    train = [f"configs/{name}.json" for name in ("train", *overlays)]
    options = ["--dataset_dir", str(data), "--output_dir", str(folder), "--seed", seed]
    began = time.monotonic()
    _monai(["training", "--config_file", str(train), *options, "--max_epochs", str(epochs)])
    (folder / "seconds.txt").write_text(f"{time.monotonic() - began:.0f}\n")
    _monai(["--config_file", str([*train, "configs/evaluate.json"]), *options, "--test_section", section])


def _monai(arguments: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "monai.bundle", "run", *arguments], cwd=bundle_root(), check=True)


def _read(output: Path, section: str) -> tuple:
    scores, pooled, minutes, patients = defaultdict(list), defaultdict(list), defaultdict(list), {}
    for summary in sorted(output.glob(f"*_seed*/evaluation_{section}/metrics_summary.json")):
        folder = summary.parent.parent
        row = folder.name.rsplit("_seed", 1)[0]
        with open(summary.parent / "metrics.csv", newline="") as file:
            images = list(csv.DictReader(file))
        patients |= {image["id"]: image["patient"] for image in images}
        scores[row].append({name: {image["id"]: float(image[name]) for image in images} for name in PER_IMAGE})
        content = json.loads(summary.read_text())["sections"][section]
        last = read_history(folder / "history.csv")[-1]
        pooled[row].append({**content["pooled"], "validation": last.get("validation/dice", np.nan)})
        minutes[row].append(float((folder / "seconds.txt").read_text()) / 60)
    return scores, pooled, minutes, patients


def _both(scores: dict, pooled: dict, row: str) -> list[dict]:
    return [per_image | whole for per_image, whole in zip(scores[row], pooled[row], strict=True)]


def _difference(scores: dict, row: str, patients: dict[str, str], score: str) -> str:
    """Mean over seeds of each image's score, minus the baseline's, with an interval by a bootstrap over patients."""
    if row == BASELINE or BASELINE not in scores:
        return "-"
    ids = sorted(patients)
    means = {
        name: np.mean([[seed[score][one] for one in ids] for seed in scores[name]], axis=0) for name in (row, BASELINE)
    }
    difference = means[row] - means[BASELINE]
    low, high = bootstrap_interval(difference, [patients[one] for one in ids])
    return f"{difference.mean():+.3f} ({low:+.3f} to {high:+.3f})"


if __name__ == "__main__":
    fire.Fire({"run": run, "collect": collect, "table": table})
