"""The evaluation of organs: scores by organ and task, overlays, gate use.

Axes: x, y, z of a volume, in its own grid or turned to RAS; k slices; e experts, u and v the tokens of a layer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing
from monai.networks.utils import eval_mode
from PIL import Image
from torch import nn
from torch.nn import functional as F

from ...drawing.volume import volume_overlay
from ...files import write_image
from ...geometry.volume import to_ras
from ...inference import VolumeInferer
from ...metrics import gate_moments
from ...metrics.organs import TOLERANCE_MM
from ...networks.all_outputs import gates, unwrap
from ...targets.organ_task import TaskTable, organs
from ..findings import Case, Findings, best_median_worst, overlay_name, trained_too
from .gates import GateMaps, gate_maps_figure, gate_use_by_layer_figure
from .page import ORGANS, GateRecord
from .scores import OrganScores

# Slices of each volume at which the gates are asked, and layers whose maps are shown.
_ASKED, _SHOWN = 5, 3


class OrganEvaluation:
    """Scores each volume of a section, task by task and organ by organ, for `EvaluationHandler`.

    `metrics.csv` has a row a volume and organ, `overlays/` best, median and worst of each task. Items hold `image`
    (1, x, y, z) in [0, 1] with its affine, `pred` and `label` (1, x, y, z) with channel numbers, and `task`. Where the
    network has gates that choose, their use is shown as `gate_use.png` and `gate_maps.png` too.

    Args:
        section: Name of the volumes' section, `test` for instance.
        tasks: The task table.
        tolerance_mm: Of surface Dice; one for all tasks, or by task (2 mm where a task is not named).
        network: Asked for its gates' weights on some slices of each volume; None: the report leaves gates out.
        inferer: What predicted the volumes; it knows what the network sees of them. Needed with a network.
        trained_patients: Patients of the data sets' training and unlabelled volumes, to say whose volumes these are.
    """

    def __init__(
        self,
        section: str,
        tasks: TaskTable,
        tolerance_mm: float | Mapping[str, float] = TOLERANCE_MM,
        network: nn.Module | None = None,
        inferer: VolumeInferer | None = None,
        trained_patients: Collection[str] = (),
    ) -> None:
        self.section = section
        self.tasks = dict(tasks)
        self.tolerance_mm = tolerance_mm
        self.network = network
        self.inferer = inferer
        self.trained_patients = set(trained_patients)

    def begin(self) -> None:
        """Forget what an earlier run of the evaluator found."""
        self._scores = OrganScores(self.tasks, self.tolerance_mm)
        self._moments: dict[str, dict[str, list[torch.Tensor]]] = defaultdict(lambda: defaultdict(list))
        self._maps: dict[str, GateMaps] = {}

    def score(self, item: Mapping[str, Any], kept_dir: Path) -> None:
        """Score one volume and keep a picture of it."""
        task, image = str(item["task"]), item["image"]
        prediction, label = (_channels(item[key]) for key in ("pred", "label"))
        spacing = affine_to_spacing(torch.as_tensor(image.affine).reshape(-1, 4, 4)[0], r=3)
        name, patient = str(item["id"]), str(item.get("patient") or "")
        self._scores.add(task, name, patient, prediction[0], label[0], [float(step) for step in spacing])
        turned = to_ras(image, image.affine)
        found, true = (to_ras(torch.from_numpy(one), image.affine).numpy()[0] for one in (prediction, label))
        steps = [float(step) for step in affine_to_spacing(turned.affine, r=3)]
        picture = volume_overlay(turned.cpu().numpy()[0], found, true, steps, organs(self.tasks[task]))
        write_image(kept_dir / overlay_name(task, name), picture)
        self._ask_gates(task, name, turned, true)

    def findings(self, kept_dir: Path, seed: int) -> Findings | None:
        """Sum up every task that a volume was scored of."""
        summary = self._scores.summary(seed)
        if not summary:
            return None
        rows = {task: self._scores.volumes(task) for task in summary}
        groups = {
            task: self._group(task, found) | trained_too(rows[task], self.trained_patients)
            for task, found in summary.items()
        }
        cases = [case for task in summary for case in _cases(task, rows[task], kept_dir)]
        record = self._gates()
        figures = {}
        if record is not None:
            figures["gate_use.png"] = gate_use_by_layer_figure(record.moments, record.experts)
            figures["gate_maps.png"] = gate_maps_figure(record.maps, record.experts)
        content = {"section": self.section, "tasks": summary}
        return Findings(ORGANS, self._scores.rows, content, groups, rows, cases, record, figures)

    def _group(self, task: str, found: Mapping[str, Any]) -> dict[str, Any]:
        """What the page shows of a task."""
        scores = dict(found["mean"]["scores"])
        if "mean_8" in found:
            scores["dice_8"] = found["mean_8"]["scores"]["dice"]
        return {**found, "scores": scores, "by_organ": self._scores.organ_values(task)}

    def _ask_gates(self, task: str, name: str, turned: MetaTensor, label: np.ndarray) -> None:
        """Keep the moments of the gates' weights on some slices of a volume, and their maps on one a modality."""
        if self.network is None or self.inferer is None:
            return
        network: Any = unwrap(self.network)
        device = next(network.parameters()).device
        modality = self.tasks[task]["modality"]
        filled = np.flatnonzero(label.any(axis=(0, 1)))
        first, last = (filled[0], filled[-1]) if len(filled) else (0, label.shape[2] - 1)
        indices = sorted({round(place) for place in np.linspace(first, last, _ASKED)})
        slices = self.inferer.seen(turned, task, indices).to(device)
        numbers = torch.tensor(self.inferer.numbers(network, [task]), device=device).expand(len(indices))
        with eval_mode(network):
            outputs = network.outputs(slices, numbers)
        multiple = getattr(network, "multiple", 1)
        weights = {layer: _over(gate, slices.shape[2:], multiple) for layer, gate in gates(outputs).items()}
        for layer, gate in weights.items():
            self._moments[modality][layer].append(gate_moments(gate).mean(0, keepdim=True).cpu())
        if weights and modality not in self._maps:
            middle, layers = len(indices) // 2, list(weights)
            shown = sorted({round(place) for place in np.linspace(0, len(layers) - 1, _SHOWN)})
            maps = {layers[place]: weights[layers[place]][middle].cpu().numpy() for place in shown}
            self._maps[modality] = GateMaps(modality, name, slices[middle, 1].cpu().numpy(), maps)

    def _gates(self) -> GateRecord | None:
        if not self._moments:
            return None
        moments = {
            modality: {layer: torch.cat(parts) for layer, parts in layers.items()}
            for modality, layers in self._moments.items()
        }
        count = next(iter(next(iter(moments.values())).values())).shape[2]
        experts = list(getattr(unwrap(self.network), "expert_names", []))  # type: ignore[arg-type]
        names = experts if len(experts) == count else [str(number + 1) for number in range(count)]
        return GateRecord(moments, list(self._maps.values()), names)


def _over(gate: torch.Tensor, size: Sequence[int], multiple: int) -> torch.Tensor:
    """Weights (k, e, u, v) of tokens as weights of pixels, without those of the network's padding below and right."""
    padded = [side + -side % multiple for side in size]
    return F.interpolate(gate.float(), size=padded, mode="nearest-exact")[..., : size[0], : size[1]]


def _channels(volume: Any) -> np.ndarray:
    """Channel numbers (1, x, y, z) as uint8."""
    values = volume.detach().cpu().numpy() if isinstance(volume, torch.Tensor) else np.asarray(volume)
    return np.ascontiguousarray(values.astype(np.uint8))


def _cases(task: str, rows: Sequence[Mapping[str, Any]], kept_dir: Path) -> list[Case]:
    ranked = ORGANS.rank(rows[0]).name
    chosen = best_median_worst([row[ranked] for row in rows])
    # Of one or two volumes, the same would be shown again.
    once = {index: rank for rank, index in reversed(chosen.items())}
    return [
        Case(rank, rows[index], None, _overlay(task, rows[index], kept_dir), task)
        for rank, index in chosen.items()
        if once[index] == rank
    ]


def _overlay(task: str, row: Mapping[str, Any], kept_dir: Path) -> np.ndarray:
    return np.asarray(Image.open(kept_dir / overlay_name(task, str(row["id"]))))
