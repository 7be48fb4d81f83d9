"""Time of one training step (2 labelled + 2 unlabelled images of 256 x 256): one expert, three, the paper's network.

    python benchmarks/step_time.py --repeats 5

The settings take turns; the table gives the median and the range.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import fire
import torch
from monai.bundle import ConfigWorkflow
from timing import machine, take_turns
from words import words

from custom.place import bundle_root

SIZE = 256
SETTINGS = {"default": ["train"], "semi_moe": ["train", "semi_moe"], "paper": ["train", "paper"]}


def main(repeats: int = 5, settings: str = "default,semi_moe,paper", precisions: str = "float32,bfloat16") -> None:
    """Print the table.

    Args:
        repeats: Timed steps of each setting, after one that is not timed.
        settings: Which of `default`, `semi_moe` and `paper`, separated by commas.
        precisions: Which of `float32` and `bfloat16`, separated by commas.
    """
    cases = {
        (name, kind): _step(SETTINGS[name], kind == "bfloat16")
        for name in words(settings)
        for kind in words(precisions)
    }
    seconds = take_turns(cases, repeats)
    print(f"| network | precision | seconds a step, median | range | ({machine()})\n|---|---|---|---|")
    for (name, kind), times in seconds.items():
        print(f"| {name} | {kind} | {statistics.median(times):.2f} | {min(times):.2f}-{max(times):.2f} |")


def _step(names: list[str], amp: bool) -> Callable[[], object]:
    """One training step of a config, on random images, without its data."""
    files = [f"{bundle_root()}/configs/{name}.json" for name in names]
    options: dict[str, Any] = {"amp": amp, "pretrained": False, "steps_per_epoch": 100}
    # What the config would ask a data set for.
    options |= {"step#unlabelled": None, "network_def#mean": [0.5] * 3, "network_def#std": [0.5] * 3}
    flow = ConfigWorkflow(files, logging_file=False, workflow_type="train", **options)
    get = flow.parser.get_parsed_content
    step = get("step")
    device = get("device")
    target = (torch.rand(2, 1, SIZE, SIZE, device=device) > 0.5).float()
    batch = {"image": torch.rand(2, 3, SIZE, SIZE, device=device), "path": ["a", "b"]} | dict.fromkeys(
        step.losses, target
    )
    weak = torch.rand(2, 3, SIZE, SIZE, device=device)
    step.unlabelled = [{"image": weak, "strong": weak, "path": ["c", "d"]}]
    engine: Any = SimpleNamespace(network=get("learner"), state=SimpleNamespace(iteration=1))

    def once() -> None:
        step.restart()
        step(engine, batch)

    return once


if __name__ == "__main__":
    fire.Fire(main)
