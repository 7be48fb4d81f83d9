"""What each part of the organ recipe earns and costs: train and evaluate each control on the same prepared data sets.

    python benchmarks/organ_controls.py run --data D/btcv,D/acdc,D/hippocampus --output RUNS --rows token,shared
    python benchmarks/organ_controls.py collect --output RUNS --to docs/runs/organ_controls
    python benchmarks/organ_controls.py table --output docs/runs/organ_controls
    python benchmarks/organ_controls.py cost --data D/btcv,D/acdc,D/hippocampus

Every run is made by the documented commands and stays in `RUNS/<row>_seed<seed>`, where a row of several trainings has
folders of its own; what is finished is passed over, whatever it was asked for, what was cut short goes on. In rows of
several trainings each sees its data as often as the others do, under a warm-up and a decay of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fire
from controls import collect, evaluate, is_evaluated, train
from organ_cost import cost
from organ_rows import ALL, SECTION, Part, parts
from organ_table import table
from words import words


def run(
    data: str, output: str, rows: str = ALL, seeds: str = "0", epochs: int = 15, first_phase: int = 5, **options: Any
) -> None:
    """Train rows that are not finished yet, and evaluate the last weights on the test volumes; these choose nothing.

    Args:
        data: The prepared data sets, separated by commas; the last is the one that joins in `third_set`.
        output: Where the runs go.
        rows: Names of rows, separated by commas.
        seeds: Seeds, separated by commas.
        epochs: Epochs of all trainings of a row together, so that every row makes as many steps.
        first_phase: Epochs of the first phase of `pretrained_experts`, which come on top.
        options: Options of the recipe for all trainings and evaluations, such as `--amp True`, but those that rows set.
    """
    folders = [str(Path(one).resolve()) for one in words(data)]
    for seed in words(seeds):
        for row in words(rows):
            for part in parts(row, folders, Path(output).resolve() / f"{row}_seed{seed}", epochs, first_phase):
                _run_part(part, {"seed": seed, **options})


def _run_part(part: Part, options: dict[str, Any]) -> None:
    """Train what has not ended, and evaluate it."""
    # One look at the validation volumes, at the end, whatever the number of epochs: so the minutes compare.
    length = {"max_epochs": part.epochs, "val_interval": part.epochs}
    train(part.folder, part.configs, options | part.options | length)
    if part.evaluated and not is_evaluated(part.folder, SECTION):
        wanted = {"dataset_dirs": part.evaluated, "ckpt_path": part.folder / "last.pt"}
        evaluate(part.folder, ["train_organ", "evaluate_organ"], options | wanted, SECTION)


if __name__ == "__main__":
    fire.Fire({"run": run, "collect": collect, "table": table, "cost": cost})
