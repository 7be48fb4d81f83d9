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

import csv
import json
import math
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import fire
import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import LoadImage
from words import words

from custom.data.datalist import read as read_datalist
from custom.data.volumes.tasks import items, task_table
from custom.metrics import bootstrap_interval
from custom.place import bundle_root
from custom.report.organs.scores import ORGANS_8
from custom.training import classes

# Rows that are the default with one option set to the row's name.
OPTIONS = {"average": "gate", "channel": "gate", "shared": "routing", "modality": "routing"}
# The last two are trained in another way, but what comes out costs as much as the baseline.
ROWS = ("token", *OPTIONS, "separate", "plain_unet", "pretrained_experts", "third_set")
ALL, COSTED = ",".join(ROWS), ",".join(ROWS[:-2])
BASELINE, SECTION = "token", "test"
COLLECTED = ("history.csv", "seconds.txt", "metrics.csv", "metrics_summary.json")
KEPT = ("section", "tasks", "seed", "commit", "versions", "checkpoint_sha256", "started")


class Part(NamedTuple):
    """One training of a run, and the data sets on which its last weights are evaluated."""

    folder: Path
    configs: list[str]
    options: dict[str, Any]
    epochs: int
    evaluated: list[str]


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
            for part in _parts(row, folders, Path(output).resolve() / f"{row}_seed{seed}", epochs, first_phase):
                _run_part(part, {"seed": seed, "output_dir": part.folder, **options})


def collect(output: str, to: str) -> None:
    """Copy what a run's figures come from, without the paths of the machine, so that it can stand in the docs.

    Args:
        output: Where the runs are.
        to: Where the copies go, in the same layout.
    """
    for folder in _evaluated(Path(output)):
        for file in (one for name in COLLECTED for one in folder.rglob(name)):
            target = Path(to) / file.relative_to(output)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
            if file.suffix == ".json":
                kept = {name: value for name, value in json.loads(file.read_text()).items() if name in KEPT}
                target.write_text(json.dumps(kept, indent=1) + "\n")


def table(output: str) -> None:
    """Print each control's scores and its paired differences to the baseline, then Dice by organ.

    Intervals are of 95 % over patients; with several seeds, their ends and all scores are means over the seeds. A
    difference counts where both controls score an organ of a volume. Minutes are those of all trainings of a row.

    Args:
        output: Where the runs are.
    """
    read: dict[str, list[SimpleNamespace]] = defaultdict(list)
    for folder in _evaluated(Path(output)):
        read[folder.name.rsplit("_seed", 1)[0]].append(_read(folder))
    runs = {row: read[row] for row in ROWS if row in read}
    tasks = {name: task for found in runs.values() for name, task in found[0].tasks.items()}
    means = [(name, key) for name, task in tasks.items() for key in ("mean_8", "mean") if key in task]
    labels = [f"{name}, {tasks[name][key]['organs']} organs" for name, key in means]
    against = [f"{label}, against {BASELINE}" for label in labels]
    _row("row", "seeds", *labels, *(f"{name}, HD95 mm" for name in tasks), "minutes", *against, head=True)
    for row, found in runs.items():
        dice = [_mean(found, name, key, "scores", "dice", ends=True) for name, key in means]
        far = [_mean(found, name, "mean", "scores", "hd95_mm") for name in tasks]
        minutes = f"{np.mean([one.minutes for one in found]):.0f}"
        _row(row, len(found), *dice, *far, minutes, *(_difference(runs, row, name, key) for name, key in means))
    print()
    _row("data set", "organ", *runs, head=True)
    for name, organ in [(name, organ) for name, task in tasks.items() for organ in task["organs"]]:
        _row(name, organ, *(_mean(found, name, "organs", organ, "scores", "dice") for found in runs.values()))


def cost(data: str, rows: str = COSTED, repeats: int = 7, amp: bool = False) -> None:
    """Print size and time of each control on one CPU thread; the rows take turns, and the table gives medians.

    A step is one of training, on random slices of all data sets; a volume is as large as the first test volume of
    each data set, without reading and writing it. `separate` counts three networks, and a step of one of them.

    Args:
        data: The prepared data sets, separated by commas.
        rows: Names of rows, separated by commas.
        repeats: Timed rounds, after one that is not timed.
        amp: Compute in bfloat16.
    """
    torch.set_num_threads(1)
    folders, volumes = words(data), _volumes(words(data))
    parsers = {row: [_parser(part, amp) for part in _parts(row, folders, Path(), 1)] for row in words(rows)}
    works = {(row, "step"): [_step(parser) for parser in found] for row, found in parsers.items()}
    for row, found in parsers.items():
        whose = {task: parser for parser in found for task in parser.get_parsed_content("tasks")}
        works |= {(row, task): [_prediction(whose[task], task, volumes[task])] for task in volumes}
    seconds = defaultdict(list)
    for case, work in (repeats + 1) * list(works.items()):
        began = time.perf_counter()
        for one in work:
            one()
        seconds[case].append((time.perf_counter() - began) / len(work))
    sizes = [f"{task} {' x '.join(map(str, volume.shape[1:]))}, s" for task, volume in volumes.items()]
    precision = "bfloat16" if amp else "float32"
    _row("row", "parameters, million", "weights, MB", f"step ({precision}), s", *sizes, head=True)
    for row, found in parsers.items():
        networks = [parser.get_parsed_content("network") for parser in found]
        number = sum(one.numel() for network in networks for one in network.parameters()) / 1e6
        size = sum(one.numel() * one.element_size() for net in networks for one in net.state_dict().values()) / 1e6
        times = [f"{np.median(seconds[row, what][1:]):.2f}" for what in ("step", *volumes)]
        _row(row, f"{number:.2f}", f"{size:.1f}", *times)


def _parts(row: str, data: list[str], folder: Path, epochs: int, first_phase: int = 0) -> list[Part]:
    """The trainings of a run in their order; those of several share the epochs, but for the first phase."""
    if row not in ROWS:
        raise ValueError(f"rows: got {row}, wanted some of {ALL}")
    train = ["train_organ"]
    together = {"dataset_dirs": data} | ({OPTIONS[row]: row} if row in OPTIONS else {})
    shares, start = _shares(data, epochs), {"init_path": str(folder / "first" / "last.pt")}
    match row:
        case "separate":
            names = [read_datalist(one)["name"] for one in data]
            return [
                Part(folder / name, train, {"dataset_dirs": [one]}, share, [one])
                for name, one, share in zip(names, data, shares, strict=True)
            ]
        case "plain_unet":
            return [Part(folder, [*train, "plain_unet_organ"], together, epochs, data)]
        case "pretrained_experts":
            phase = Part(folder / "first", ["pretrain_organ"], together, first_phase, [])
            return [phase, Part(folder, train, together | start, epochs, data)]
        case "third_set":
            old = Part(folder / "first", train, {"dataset_dirs": data[:-1]}, sum(shares[:-1]), [])
            return [
                old,
                Part(folder, [*train, "add_modality_organ"], {"dataset_dir": data[-1], **start}, shares[-1], data),
            ]
    return [Part(folder, train, together, epochs, data)]


def _shares(data: list[str], epochs: int) -> list[int]:
    """Epochs of each data set alone in which it is seen as often as in all epochs on all data sets together."""
    labels = [[len(task["labels"]) for task in task_table([one]).values()] for one in data]
    weights = [sum(math.sqrt(number) for number in numbers) for numbers in labels]
    return [max(1, round(epochs * weight / sum(weights))) for weight in weights]


def _run_part(part: Part, options: dict[str, Any]) -> None:
    """Train what has not ended, and evaluate it. The time of a training that was cut short counts too."""
    record, spent = part.folder / "run.json", part.folder / "seconds.txt"
    if not (spent.exists() and record.exists() and json.loads(record.read_text())["ended"]):
        # One look at the validation volumes, at the end, whatever the number of epochs: so the minutes compare.
        look = {"val_interval": part.epochs} if "train_organ" in part.configs else {}
        before, began = float(spent.read_text()) if spent.exists() else 0.0, time.monotonic()
        try:
            _monai(part.configs, options | part.options | look | {"max_epochs": part.epochs})
        finally:
            part.folder.mkdir(parents=True, exist_ok=True)
            spent.write_text(f"{before + time.monotonic() - began:.0f}\n")
    if part.evaluated and not (part.folder / f"evaluation_{SECTION}" / "metrics_summary.json").exists():
        wanted = {"dataset_dirs": part.evaluated, "ckpt_path": part.folder / "last.pt", "test_section": SECTION}
        _monai(["train_organ", "evaluate_organ"], options | wanted)


def _monai(configs: list[str], options: dict[str, Any]) -> None:
    files = str([f"configs/{name}.json" for name in configs])
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", files, *words]
    subprocess.run(command, cwd=bundle_root(), check=True)


def _evaluated(output: Path) -> list[Path]:
    return [one for one in sorted(output.glob("*_seed*")) if any(one.rglob(f"evaluation_{SECTION}/*.json"))]


def _read(folder: Path) -> SimpleNamespace:
    """A run: the summary by task, Dice and patient by volume, and minutes; its parts are merged."""
    tasks, dice, patients = {}, {}, {}
    for summary in folder.rglob(f"evaluation_{SECTION}/metrics_summary.json"):
        tasks |= json.loads(summary.read_text())["tasks"]
        with open(summary.parent / "metrics.csv", newline="") as file:
            for line in csv.DictReader(file):
                dice[line["task"], line["id"], line["organ"]] = float(line["dice"] or "nan")
                patients[line["task"], line["id"]] = line["patient"] or None
    minutes = sum(float(spent.read_text()) for spent in folder.rglob("seconds.txt")) / 60
    return SimpleNamespace(tasks=tasks, dice=dice, patients=patients, minutes=minutes)


def _mean(runs: list[SimpleNamespace], task: str, *path: str, ends: bool = False) -> str:
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


def _difference(runs: Mapping[str, list[SimpleNamespace]], row: str, task: str, key: str) -> str:
    """Mean over organs of a task's Dice minus the baseline's, with an interval by a bootstrap over patients."""
    base = runs.get(BASELINE)
    if row == BASELINE or base is None or any(task not in one.tasks for one in runs[row] + base):
        return "-"
    organs = ORGANS_8 if key == "mean_8" else base[0].tasks[task]["organs"]
    volumes = [volume for whose, volume in base[0].patients if whose == task]
    ours, theirs = (
        np.mean([[[one.dice[task, volume, organ] for organ in organs] for volume in volumes] for one in which], axis=0)
        for which in (runs[row], base)
    )
    difference = (ours - theirs)[:, np.isfinite(ours - theirs).any(axis=0)]
    patients = [base[0].patients[task, volume] for volume in volumes]
    low, high = bootstrap_interval(difference, patients)
    return f"{np.nanmean(difference, axis=0).mean():+.3f} ({low:+.3f} to {high:+.3f})"


def _parser(part: Part, amp: bool) -> ConfigParser:
    """The config of a training, without the ImageNet weights, which change neither size nor time."""
    parser = ConfigParser()
    parser.read_config([f"{bundle_root()}/configs/{name}.json" for name in part.configs])
    parser.update({**part.options, "amp": amp, "pretrained": False, "device": "cpu"})
    return parser


def _step(parser: ConfigParser) -> Callable[[], object]:
    """A training step of a config on random slices of its tasks in turn."""
    tasks, step, count, side, view = map(parser.get_parsed_content, ("tasks", "step", "batch_size", "crop_px", "view"))
    task_id = torch.arange(count) % len(tasks)
    label = torch.stack([torch.randint(0, classes(tasks)[task], (1, side, side)) for task in task_id])
    batch = {"image": torch.rand(count, 3, side, side), "label": label, "task_id": task_id, "path": [""] * count}
    engine = SimpleNamespace(network=view, state=SimpleNamespace(iteration=1, device=torch.device("cpu")))
    return lambda: step(engine, batch)


def _prediction(parser: ConfigParser, task: str, volume: MetaTensor) -> Callable[[], object]:
    network, inferer = parser.get_parsed_content("network"), parser.get_parsed_content("inferer")
    return torch.no_grad()(lambda: inferer(volume[None], network.eval(), task))


def _volumes(data: list[str]) -> dict[str, MetaTensor]:
    """For each task a random volume (1, x, y, z) of the size and affine of its first test volume."""
    files = {}
    for item in items(data, SECTION, needed=True):
        files.setdefault(item["task"], item["image"])
    found = {task: LoadImage(ensure_channel_first=True)(file) for task, file in files.items()}
    return {task: MetaTensor(torch.rand(one.shape), affine=one.affine) for task, one in found.items()}


def _row(*cells: object, head: bool = False) -> None:
    print(f"| {' | '.join(map(str, cells))} |" + head * ("\n" + len(cells) * "|---" + "|"))


if __name__ == "__main__":
    fire.Fire({"run": run, "collect": collect, "table": table, "cost": cost})
