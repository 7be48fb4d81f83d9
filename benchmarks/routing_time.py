"""Time of M4oE's experts by how tokens find them, against all experts in a loop under the release's gate.

    python benchmarks/routing_time.py --repeats 5

Random images of three modalities, as many of each. "layers" is the forward and backward pass of the network's mixture
layers alone, "step" a whole training step. The rows take turns; the table gives medians, and how many times as fast as
the release's way each is.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import fire
import torch
from timing import machine, take_turns
from words import words

from custom.losses import OrganLoss
from custom.networks import AllOutputs, M4oE
from custom.networks.mixture import ExpertMixture
from custom.targets.organ_task import HeadTask, class_counts
from custom.training import OrganStep

TASKS: dict[str, HeadTask] = {
    name: {"head": name, "modality": modality, "labels": {str(one): f"organ {one}" for one in range(1, number + 1)}}
    for name, modality, number in (("flare22", "ct", 13), ("atlas23", "cemr", 2), ("amos22", "mr", 15))
}
PAPER: dict[str, Any] = {"stem": "patch", "embed": 96, "depths": (2, 2, 2, 2), "heads": (3, 6, 12, 24), "window": 7}
# Arguments, pixels, images of each task.
SIZES: dict[str, tuple[dict[str, Any], int, int]] = {"default": ({}, 192, 2), "paper": (PAPER, 224, 1)}
# Without a prior, so that the tokens of an image choose among all experts.
WAYS: dict[str, dict[str, Any]] = {
    "release": {"gate": "channel"},
    "soft": {"prior": None},
    "top_k": {"routing": "top_k", "top_k": 1, "prior": None},
    "modality": {"routing": "modality"},
    "shared": {"routing": "shared"},
}


def main(repeats: int = 5, sizes: str = "default,paper", precisions: str = "float32,bfloat16") -> None:
    """Print the table.

    Args:
        repeats: Timed runs of each row, after one that is not timed.
        sizes: Which of `default` and `paper`, separated by commas.
        precisions: Which of `float32` and `bfloat16`, separated by commas.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"| network | precision | routing | layers, s | times | step, s | times | ({machine()})\n" + 7 * "|---" + "|")
    for size in words(sizes):
        for precision in words(precisions):
            amp = precision == "bfloat16"
            runs = {(way, kind): run for way in WAYS for kind, run in _runs(size, WAYS[way], device, amp).items()}
            median = {case: statistics.median(times) for case, times in take_turns(runs, repeats).items()}
            for way in WAYS:
                columns = [
                    f"{median[way, kind]:.3f} | {median['release', kind] / median[way, kind]:.2f}"
                    for kind in ("layers", "step")
                ]
                print(f"| {size} | {precision} | {way} | {' | '.join(columns)} |")


def _runs(size: str, way: dict[str, Any], device: torch.device, amp: bool) -> dict[str, Callable[[], object]]:
    """A step of the network, and the forward and backward pass of its mixture layers, each with what it got there."""
    arguments, pixels, each = SIZES[size]
    torch.manual_seed(0)
    network = M4oE(TASKS, **{**arguments, **way}).to(device)
    images = each * len(TASKS)
    batch = {
        "image": torch.rand(images, 3, pixels, pixels, device=device),
        "label": torch.randint(0, 3, (images, 1, pixels, pixels), device=device),
        "task_id": torch.arange(images) % len(TASKS),
        "path": ["random"] * images,
    }
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    loss = OrganLoss(class_counts(TASKS)).to(device)
    step = OrganStep(loss, TASKS, optimizer, scheduler, amp=amp)
    engine: Any = SimpleNamespace(network=AllOutputs(network), state=SimpleNamespace(iteration=1, device=device))
    heard = _heard(network, lambda: step(engine, batch))

    def layers() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=amp):
            mixed = [layer(tokens, *rest)[0] for layer, tokens, *rest in heard]
        torch.autograd.backward([one.float().square().mean() for one in mixed])

    return {"layers": layers, "step": lambda: step(engine, batch)}


def _heard(network: M4oE, run: Callable[[], object]) -> list[tuple]:
    """Every mixture layer with the arguments that it gets when `run` calls the network."""
    heard: list[tuple] = []

    def note(layer: ExpertMixture, inputs: tuple) -> None:
        heard.append((layer, inputs[0].detach().requires_grad_(), *inputs[1:]))

    hooks = [one.register_forward_pre_hook(note) for one in network.modules() if isinstance(one, ExpertMixture)]
    run()
    for hook in hooks:
        hook.remove()
    return heard


if __name__ == "__main__":
    fire.Fire(main)
