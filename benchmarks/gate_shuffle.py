"""Does the gate listen? Evaluate with each image's own gate weights, with another image's, and with their mean.

    python benchmarks/gate_shuffle.py --data DATA --run RUN --section validation

Where no score falls, the gate ignores what it sees, and a constant would do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import fire
import numpy as np
import torch
from controls import row
from monai.bundle import ConfigWorkflow
from words import words

from custom.geometry.axes import as_files_hold_it
from custom.metrics import confusion, object_scores, pixel_scores
from custom.place import bundle_root
from custom.targets import gland_mask, instance_ids, instances

# Gets an output's name, an image's number and the gate's weights (1, e), and gives the weights to use.
Replace = Callable[[str, int, torch.Tensor], torch.Tensor]


def main(data: str, run: str, section: str = "testA", variants: str = "semi_moe") -> None:
    """Print the table.

    Args:
        data: The prepared data set.
        run: Directory of the training run.
        section: Section to evaluate.
        variants: Variants that the run was trained with, separated by commas.
    """
    names = ["train", *filter(None, words(variants)), "evaluate"]
    files = [f"{bundle_root()}/configs/{name}.json" for name in names]
    options: dict[str, Any] = {"dataset_dir": data, "output_dir": run, "test_section": section, "views": 1}
    flow = ConfigWorkflow(files, logging_file=False, workflow_type="train", **options)
    flow.initialize()
    get = flow.parser.get_parsed_content
    network = get("network").eval()
    items = list(get("validate#dataset"))

    def evaluate(replace: Replace) -> dict[str, float]:
        return _evaluate(network, get("inferer"), items, get("mpp"), get("distance_um"), replace)

    own: dict[tuple[str, int], torch.Tensor] = {}
    first = evaluate(lambda output, index, weights: own.setdefault((output, index), weights))
    shuffled = evaluate(lambda output, index, weights: own[output, (index + len(items) // 2) % len(items)])
    every = {output: torch.cat([w for (name, _), w in own.items() if name == output]) for output, _ in own}
    averaged = evaluate(lambda output, index, weights: every[output].mean(0, True))
    row("gate weights", *first, head=True)
    for name, scores in (("the image's own", first), ("another image's", shuffled), ("the mean over images", averaged)):
        row(name, *(f"{value:.4f}" for value in scores.values()))
    for output, weights in every.items():
        print(f"{output}: mean {_rounded(weights.mean(0))}, spread {_rounded(weights.std(0))}")


def _rounded(weights: torch.Tensor) -> list[float]:
    return [round(weight, 3) for weight in weights.tolist()]


@torch.no_grad()
def _evaluate(
    network: Any,
    inferer: Callable,
    items: Sequence[Mapping[str, torch.Tensor]],
    mpp: float,
    distance_um: float | None,
    replace: Replace,
) -> dict[str, float]:
    position = 0
    hooks = [
        mixture.gate.register_forward_hook(lambda module, inputs, weights, name=name: replace(name, position, weights))
        for name, mixture in network.mixtures.items()
    ]
    counts, dice, objects = np.zeros((2, 2)), [], []
    for position, item in enumerate(items):  # noqa: B007, the hooks read it
        maps = as_files_hold_it(inferer(item["image"][None], network)[0]).astype(np.float32)
        label = instance_ids(as_files_hold_it(item["label"])[0])
        found = instances(maps, mpp, distance_um)
        count = confusion(gland_mask(maps), label)
        counts += count
        dice.append(pixel_scores(count)["dice"])
        objects.append(object_scores(found, label)["object_dice"])
    for hook in hooks:
        hook.remove()
    return {"Dice": np.mean(dice), "mdice": pixel_scores(counts)["mdice"], "object Dice": np.mean(objects)}  # type: ignore[dict-item]


if __name__ == "__main__":
    fire.Fire(main)
