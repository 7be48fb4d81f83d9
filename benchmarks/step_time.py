"""Time of one training step (2 labelled + 2 unlabelled images of 256 x 256): one expert, three, the paper's network.

    python benchmarks/step_time.py --repeats 5

The settings take turns, so that a busy machine is busy for all of them; the table gives the median and the range.
"""

from __future__ import annotations

import statistics
import time
from types import SimpleNamespace

import fire
import torch
from monai.bundle import ConfigWorkflow
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
    seconds: dict[tuple[str, str], list[float]] = {case: [] for case in cases}
    for _ in range(repeats + 1):
        for case, step in cases.items():
            began = time.perf_counter()
            step()
            seconds[case].append(time.perf_counter() - began)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"
    print(f"| network | precision | seconds a step, median | range | ({device})\n|---|---|---|---|")
    for (name, kind), times in seconds.items():
        timed = times[1:]
        print(f"| {name} | {kind} | {statistics.median(timed):.2f} | {min(timed):.2f}-{max(timed):.2f} |")


def _step(names: list[str], amp: bool) -> object:
    """One training step of a config, on random images, without its data."""
    files = [f"{bundle_root()}/configs/{name}.json" for name in names]
    flow = ConfigWorkflow(
        files, logging_file=False, workflow_type="train", amp=amp, pretrained=False, steps_per_epoch=100
    )
    get = flow.parser.get_parsed_content
    step = get("step")
    device = get("device")
    target = (torch.rand(2, 1, SIZE, SIZE, device=device) > 0.5).float()
    batch = {"image": torch.rand(2, 3, SIZE, SIZE, device=device), "path": ["a", "b"]} | dict.fromkeys(
        step.losses, target
    )
    weak = torch.rand(2, 3, SIZE, SIZE, device=device)
    step.unlabelled = [{"image": weak, "strong": weak, "path": ["c", "d"]}]
    engine = SimpleNamespace(network=get("view"), state=SimpleNamespace(iteration=1))

    def once() -> None:
        step.restart()
        step(engine, batch)
        if device.type == "cuda":
            torch.cuda.synchronize()

    return once


if __name__ == "__main__":
    fire.Fire(main)
