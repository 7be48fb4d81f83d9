"""The controls of the organ recipe: which trainings make each, and what each of them sees."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from custom.data.volumes import VolumeSets

# Rows that are the default with one option set to the row's name.
OPTIONS = {"average": "gate", "channel": "gate", "shared": "routing", "modality": "routing"}
# The last two are trained in another way, but what comes out costs as much as the baseline.
ROWS = ("token", *OPTIONS, "separate", "plain_unet", "pretrained_experts", "third_set")
ALL, COSTED = ",".join(ROWS), ",".join(ROWS[:-2])
BASELINE, SECTION = "token", "test"


class Part(NamedTuple):
    """One training of a run, and the data sets on which its last weights are evaluated."""

    folder: Path
    configs: list[str]
    options: dict[str, Any]
    epochs: int
    evaluated: list[str]


def parts(row: str, data: list[str], folder: Path, epochs: int, first_phase: int = 0) -> list[Part]:
    """The trainings of a run in their order; those of several share the epochs, but for the first phase.

    Args:
        row: One of `ROWS`.
        data: The prepared data sets; the last is the one that joins in `third_set`.
        folder: Where the run goes.
        epochs: Of all trainings together.
        first_phase: Epochs of the first phase of `pretrained_experts`, which come on top.

    Raises:
        ValueError: If there is no such row.
    """
    if row not in ROWS:
        raise ValueError(f"rows: got {row}, wanted some of {ALL}")
    train, start = ["train_organ"], {"init_path": str(folder / "first" / "last.pt")}
    together = {"dataset_dirs": data} | ({OPTIONS[row]: row} if row in OPTIONS else {})
    match row:
        case "separate":
            return [
                Part(folder / _name(one), train, {"dataset_dirs": [one]}, share, [one])
                for one, share in zip(data, _shares(data, epochs), strict=True)
            ]
        case "plain_unet":
            return [Part(folder, [*train, "plain_unet_organ"], together, epochs, data)]
        case "pretrained_experts":
            phase = Part(folder / "first", [*train, "pretrain_organ"], together, first_phase, [])
            return [phase, Part(folder, train, together | start, epochs, data)]
        case "third_set":
            *shares, last = _shares(data, epochs)
            old = Part(folder / "first", train, {"dataset_dirs": data[:-1]}, sum(shares), [])
            joining = {"dataset_dir": data[-1], **start}
            return [old, Part(folder, [*train, "add_modality_organ"], joining, last, data)]
    return [Part(folder, train, together, epochs, data)]


def _name(dataset_dir: str) -> str:
    """A data set's own name, which its tasks share as that of their head."""
    return next(iter(VolumeSets(dataset_dir).tasks.values()))["head"]


def _shares(data: list[str], epochs: int) -> list[int]:
    """Epochs of each data set alone in which it is seen as often as in all epochs on all data sets together."""
    labels = [[len(task["labels"]) for task in VolumeSets(one).tasks.values()] for one in data]
    weights = [sum(math.sqrt(number) for number in numbers) for numbers in labels]
    return [max(1, round(epochs * weight / sum(weights))) for weight in weights]
