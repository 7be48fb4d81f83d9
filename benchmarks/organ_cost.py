"""Size and time of the organ recipe's controls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from controls import row
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import LoadImage
from organ_rows import COSTED, SECTION, Part, parts
from timing import take_turns
from words import words

from custom.data.volumes import VolumeSets
from custom.place import bundle_root
from custom.targets.organ_task import class_counts


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
    parsers = {name: [_parser(part, amp) for part in parts(name, folders, Path(), 1)] for name in words(rows)}
    works = {(name, "step"): [_step(parser) for parser in found] for name, found in parsers.items()}
    for name, found in parsers.items():
        whose = {task: parser for parser in found for task in parser.get_parsed_content("tasks")}
        works |= {(name, task): [_prediction(whose[task], task, volumes[task])] for task in volumes}
    seconds = take_turns({case: _each(work) for case, work in works.items()}, repeats)
    sizes = [f"{task} {' x '.join(map(str, volume.shape[1:]))}, s" for task, volume in volumes.items()]
    precision = "bfloat16" if amp else "float32"
    row("row", "parameters, million", "weights, MB", f"step ({precision}), s", *sizes, head=True)
    for name, found in parsers.items():
        networks = [parser.get_parsed_content("network") for parser in found]
        number = sum(one.numel() for network in networks for one in network.parameters()) / 1e6
        size = sum(one.numel() * one.element_size() for net in networks for one in net.state_dict().values()) / 1e6
        times = [f"{np.median(seconds[name, what]) / len(works[name, what]):.2f}" for what in ("step", *volumes)]
        row(name, f"{number:.2f}", f"{size:.1f}", *times)


def _parser(part: Part, amp: bool) -> ConfigParser:
    """The config of a training, without the ImageNet weights, which change neither size nor time."""
    parser = ConfigParser()
    parser.read_config([f"{bundle_root()}/configs/{name}.json" for name in part.configs])
    parser.update({**part.options, "amp": amp, "pretrained": False, "device": "cpu"})
    return parser


def _step(parser: ConfigParser) -> Callable[[], object]:
    """A training step of a config on random slices of its tasks in turn."""
    wanted = ("tasks", "step", "batch_size", "crop_px", "learner")
    tasks, step, count, side, learner = map(parser.get_parsed_content, wanted)
    task_id = torch.arange(count) % len(tasks)
    label = torch.stack([torch.randint(0, class_counts(tasks)[task], (1, side, side)) for task in task_id])
    batch = {"image": torch.rand(count, 3, side, side), "label": label, "task_id": task_id, "path": [""] * count}
    engine: Any = SimpleNamespace(network=learner, state=SimpleNamespace(iteration=1, device=torch.device("cpu")))
    return lambda: step(engine, batch)


def _prediction(parser: ConfigParser, task: str, volume: MetaTensor) -> Callable[[], object]:
    network, inferer = parser.get_parsed_content("network"), parser.get_parsed_content("inferer")
    return torch.no_grad()(lambda: inferer(volume[None], network.eval(), task))


def _each(works: Sequence[Callable[[], object]]) -> Callable[[], object]:
    return lambda: [work() for work in works]


def _volumes(data: list[str]) -> dict[str, MetaTensor]:
    """For each task a random volume (1, x, y, z) of the size and affine of its first test volume."""
    files: dict[str, str] = {}
    for item in VolumeSets(data).items(SECTION, needed=True):
        files.setdefault(item["task"], item["image"])
    found = {task: LoadImage(ensure_channel_first=True)(file) for task, file in files.items()}
    return {task: MetaTensor(torch.rand(one.shape), affine=one.affine) for task, one in found.items()}
