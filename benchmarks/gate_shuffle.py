"""Does the gate listen? Evaluate with each image's own gate weights, with another image's, and with their mean.

    python benchmarks/gate_shuffle.py --data DATA --run RUN --section validation

Where no score falls, the gate ignores what it sees, and a constant would do.
"""

from __future__ import annotations

from collections.abc import Callable

import fire
import numpy as np
import torch
from monai.bundle import ConfigWorkflow

from custom.geometry.axes import as_files_hold_it
from custom.metrics import confusion, object_scores, pixel_scores
from custom.place import bundle_root
from custom.targets import gland_mask, instance_ids, instances


def main(data: str, run: str, section: str = "testA", variants: str = "semi_moe") -> None:
    """Print the table.

    Args:
        data: The prepared data set.
        run: Directory of the training run.
        section: Section to evaluate.
        variants: Variants that the run was trained with, separated by commas.
    """
    names = ["train", *[name for name in words(variants) if name], "evaluate"]
    files = [f"{bundle_root()}/configs/{name}.json" for name in names]
    options = {"dataset_dir": data, "output_dir": run, "test_section": section, "views": 1}
    flow = ConfigWorkflow(files, logging_file=False, workflow_type="train", **options)
    flow.initialize()
    get = flow.parser.get_parsed_content
    network = get("network").eval()
    items = list(get("validate#dataset"))

    def evaluate(replace: Callable[[str, int, torch.Tensor], torch.Tensor]) -> dict[str, float]:
        return _evaluate(network, get("inferer"), items, get("mpp"), get("distance_um"), replace)

    own: dict[tuple[str, int], torch.Tensor] = {}
    first = evaluate(lambda task, index, weights: own.setdefault((task, index), weights))
    shuffled = evaluate(lambda task, index, weights: own[task, (index + len(items) // 2) % len(items)])
    mean = {task: torch.cat([w for (name, _), w in own.items() if name == task]).mean(0, True) for task, _ in own}
    averaged = evaluate(lambda task, index, weights: mean[task])
    print(f"| gate weights | {' | '.join(first)} |\n{'|---' * (len(first) + 1)}|")
    for name, scores in (("the image's own", first), ("another image's", shuffled), ("the mean over images", averaged)):
        print(f"| {name} | {' | '.join(f'{value:.4f}' for value in scores.values())} |")
    for task, weights in mean.items():
        spread = torch.cat([w for (name, _), w in own.items() if name == task]).std(0)
        print(f"{task}: mean {_rounded(weights[0])}, spread {_rounded(spread)}")


def _rounded(weights: torch.Tensor) -> list[float]:
    return [round(weight, 3) for weight in weights.tolist()]


@torch.no_grad()
def _evaluate(
    network: torch.nn.Module, inferer: Callable, items: list, mpp: float, distance_um: float, replace: Callable
) -> dict:
    position = 0
    hooks = [
        mixture.gate.register_forward_hook(lambda module, inputs, weights, task=task: replace(task, position, weights))
        for task, mixture in network.mixtures.items()
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
    return {"Dice": np.mean(dice), "mdice": pixel_scores(counts)["mdice"], "object Dice": np.mean(objects)}


if __name__ == "__main__":
    fire.Fire(main)
