"""What the controls of both recipes share: how one is trained and evaluated, what is kept of it, rows of a table."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from custom.metrics import bootstrap_interval
from custom.place import bundle_root

COLLECTED = ("history.csv", "seconds.txt", "metrics.csv", "metrics_summary.json")
# What a summary says of scores and evidence; the rest names the machine, or is long.
KEPT = ("section", "sections", "tasks", "seed", "release", "commit", "versions", "checkpoint_sha256", "started")


def train(folder: Path, configs: Sequence[str], options: Mapping[str, object]) -> None:
    """Train what has not ended, and note the seconds; those of a training that was cut short count too.

    Args:
        folder: Where the run is.
        configs: Names of the config and its variants.
        options: Of the command; `output_dir` is added.
    """
    record, spent = folder / "run.json", folder / "seconds.txt"
    if spent.exists() and record.exists() and json.loads(record.read_text())["ended"]:
        return
    before, began = float(spent.read_text()) if spent.exists() else 0.0, time.monotonic()
    try:
        _monai(configs, {**options, "output_dir": folder})
    finally:
        folder.mkdir(parents=True, exist_ok=True)
        spent.write_text(f"{before + time.monotonic() - began:.0f}\n")


def evaluate(folder: Path, configs: Sequence[str], options: Mapping[str, object], section: str) -> None:
    """Evaluate the last weights of a run.

    Args:
        folder: Where the run is.
        configs: Names of the config, its variants and the evaluation.
        options: Of the command; `output_dir` and `test_section` are added.
        section: What is evaluated.
    """
    _monai(configs, {**options, "output_dir": folder, "test_section": section})


def is_evaluated(folder: Path, section: str) -> bool:
    """Whether an evaluation has ended: its summary is written last.

    Args:
        folder: Where the run is.
        section: What was evaluated.
    """
    return (folder / f"evaluation_{section}" / "metrics_summary.json").exists()


def collect(output: str, to: str) -> None:
    """Copy what a run's figures come from, without the paths of the machine, so that it can stand in the docs.

    Args:
        output: Where the runs are.
        to: Where the copies go, in the same layout.
    """
    for folder in sorted(Path(output).glob("*_seed*")):
        if any(folder.rglob("evaluation_*/metrics_summary.json")):
            for file in (one for name in COLLECTED for one in sorted(folder.rglob(name))):
                _copy(file, Path(to) / file.relative_to(output))


def difference(ours: np.ndarray, theirs: np.ndarray, patients: Sequence[str | None]) -> str:
    """How far one row is from another on the same things: the mean, with an interval by a bootstrap over patients.

    Args:
        ours: Scores (n, k) of n images or volumes; NaN where one has no such score.
        theirs: The same of the other row.
        patients: Of each image or volume.
    """
    apart = ours - theirs
    apart = apart[:, np.isfinite(apart).any(axis=0)]
    low, high = bootstrap_interval(apart, patients)
    return f"{np.nanmean(apart, axis=0).mean():+.3f} ({low:+.3f} to {high:+.3f})"


def row(*cells: object, head: bool = False) -> None:
    """Print a row of a table.

    Args:
        cells: What stands in it.
        head: Whether the line that ends a table's head follows.
    """
    print(f"| {' | '.join(map(str, cells))} |" + head * ("\n" + len(cells) * "|---" + "|"))


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".json":
        content = json.loads(file.read_text())
        kept = {name: content[name] for name in KEPT if name in content}
        target.write_text(json.dumps(kept, indent=1) + "\n")
    else:
        shutil.copy(file, target)


def _monai(configs: Sequence[str], options: Mapping[str, object]) -> None:
    """Run a config with its variants as the documented commands do."""
    files = str([f"configs/{name}.json" for name in configs])
    given = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", files, *given]
    subprocess.run(command, cwd=bundle_root(), check=True)
