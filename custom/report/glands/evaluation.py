"""What an evaluation of glands leaves behind: scores of each image and of the section, overlays, a page to read.

Axes: c channels, w and h pixels; the engine's tensors are (c, w, h), arrays here (h, w).
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.networks.utils import eval_mode
from monai.utils import convert_to_tensor
from torch import nn
from torch.nn import functional as F

from ...drawing.tile import overlay
from ...inference.items import as_files_hold_it, picture
from ...metrics import gate_moments
from ...networks.all_outputs import gates, unwrap
from ...targets.instances import instances
from ...targets.labels import instance_ids
from ..evaluation_handler import EvaluationHandler, Findings, best_median_worst
from ..figures import gate_use_figure
from ..page import Case
from .page import GLANDS
from .scores import GlandScores


class GlandEvaluation(EvaluationHandler):
    """Handler that scores each image of a section and writes the report at the end.

    Writes `metrics.csv`, `metrics_summary.json`, `overlays/` (best, median and worst), `gate_use.png` where the
    network has gates that choose, and `report.html`. Items hold `image` (3, w, h) in [0, 1], `pred` (5, w, h) and
    `label` (1, w, h) with ids.

    Args:
        output_dir: Where the files go.
        section: Name of the images' section, `testA` for instance.
        mpp: Size of a pixel of the images in µm.
        distance_um: As in `targets.instances`.
        min_area_um2: Smaller glands are left out.
        network: Asked for its gates' weights, on each image as a whole; None, or a single expert: the
            report leaves gates out.
        network_mpp: Size of a pixel that the network expects, in µm; None: that of the images.
        ckpt_path: The checkpoint, for the record.
        history_file: The training's `history.csv`, for its curves; may be absent.
        config: The merged config, for the record.
        seed: The seed, for the record and for the bootstrap.
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        section: str,
        mpp: float,
        distance_um: float | None = None,
        min_area_um2: float = 500.0,
        network: nn.Module | None = None,
        network_mpp: float | None = None,
        ckpt_path: str | os.PathLike[str] | None = None,
        history_file: str | os.PathLike[str] | None = None,
        config: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(output_dir, ckpt_path, history_file, config, seed)
        self.section = section
        self.mpp = mpp
        self.distance_um = distance_um
        self.min_area_um2 = min_area_um2
        self.network = network
        self.network_mpp = network_mpp or mpp

    def begin(self) -> None:
        """Forget what an earlier run of the evaluator found."""
        self._scores = GlandScores(self.mpp)
        self._gates: dict[str, list[torch.Tensor]] = defaultdict(list)
        self._asks = True

    def score(self, item: Mapping[str, Any], kept_dir: Path) -> None:
        """Score one image and keep its picture with both outlines."""
        maps = as_files_hold_it(item["pred"]).astype(np.float32)
        label = instance_ids(as_files_hold_it(item["label"])[0])
        mask = maps[1] > maps[0]
        found = instances(maps, self.mpp, self.distance_um, self.min_area_um2)
        self._scores.add(str(item["id"]), str(item.get("patient") or ""), mask, label, found)
        kept = kept_dir / f"{len(self._scores.rows) - 1}.npz"
        np.savez(kept, image=picture(item["image"]), found=_small(found), label=_small(label))
        for task, moments in self._ask_gates(item["image"]).items():
            self._gates[task].append(moments)

    def findings(self, kept_dir: Path) -> Findings | None:
        """Sum the section up."""
        rows = self._scores.rows
        if not rows:
            return None
        use = {task: torch.cat(moments) for task, moments in self._gates.items()}
        sections = {self.section: self._scores.summary(self.seed)}
        figures = {"gate_use.png": gate_use_figure(use)} if use else {}
        cases = _cases(rows, kept_dir)
        return Findings(rows, {"sections": sections}, sections, {self.section: rows}, cases, use, figures)

    def _ask_gates(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Moments (1, 2, e) by task of the weights for one image as a whole, at the network's own scale."""
        if self.network is None or not self._asks:
            return {}
        network: Any = unwrap(self.network)
        with eval_mode(network):
            batch = convert_to_tensor(image, track_meta=False).float()[None].to(next(network.parameters()).device)
            if abs(self.mpp / self.network_mpp - 1) > 0.01:
                batch = F.interpolate(batch, scale_factor=self.mpp / self.network_mpp, mode="bilinear", antialias=True)
            outputs = network.tasks(batch)
        found = gates(outputs)
        self._asks = bool(found)  # a network without gates need not run twice on every image
        return {task: gate_moments(gate).cpu() for task, gate in found.items()}


def _cases(rows: Sequence[Mapping[str, Any]], kept_dir: Path) -> list[Case]:
    ranked = GLANDS.rank(rows[0]).name
    cases = []
    for rank, index in best_median_worst([row[ranked] for row in rows]).items():
        with np.load(kept_dir / f"{index}.npz") as kept:
            image = kept["image"]
            cases.append(Case(rank, rows[index], image, overlay(image, kept["found"], kept["label"])))
    return cases


def _small(ids: np.ndarray) -> np.ndarray:
    """The same ids in as few bytes as they need."""
    return ids.astype(np.min_scalar_type(ids.max(initial=0)))
