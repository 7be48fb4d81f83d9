"""The evaluation of glands: scores of each image and of the section, overlays, gate use.

Axes: c channels, w and h pixels; the engine's tensors are (c, w, h), arrays here (h, w).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.networks.utils import eval_mode
from monai.utils import convert_to_tensor
from torch import nn

from ...drawing.tile import tile_overlay
from ...geometry.axes import as_files_hold_it, picture
from ...inference import SquareInferer, TileInferer
from ...metrics import gate_moments
from ...networks.all_outputs import gates, unwrap
from ...targets.instances import instances
from ...targets.labels import instance_ids
from ...targets.maps import gland_mask
from ..figures import gate_use_figure
from ..findings import Case, Findings, best_median_worst
from .page import GLANDS
from .scores import GlandScores


class GlandEvaluation:
    """Scores each image of a section, for `EvaluationHandler`.

    Items hold `image` (3, w, h) in [0, 1], `pred` (5, w, h) and `label` (1, w, h) with ids. Where the network has gates
    that choose, their use is shown as `gate_use.png` too.

    Args:
        section: Name of the images' section, `testA` for instance.
        mpp: Size of a pixel of the images in µm.
        distance_um: As in `targets.instances`.
        min_area_um2: Smaller glands are left out.
        network: Asked for its gates' weights, on each image as a whole; None: the report leaves gates out.
        inferer: What predicted the images; it knows what the network sees of them. Needed with a network.
    """

    def __init__(
        self,
        section: str,
        mpp: float,
        distance_um: float | None = None,
        min_area_um2: float = 500.0,
        network: nn.Module | None = None,
        inferer: TileInferer | SquareInferer | None = None,
    ) -> None:
        self.section = section
        self.mpp = mpp
        self.distance_um = distance_um
        self.min_area_um2 = min_area_um2
        self.network = network
        self.inferer = inferer

    def begin(self) -> None:
        """Forget what an earlier run of the evaluator found."""
        self._scores = GlandScores(self.mpp)
        self._gates: dict[str, list[torch.Tensor]] = defaultdict(list)
        self._asks = True

    def score(self, item: Mapping[str, Any], kept_dir: Path) -> None:
        """Score one image and keep its picture with both outlines."""
        maps = as_files_hold_it(item["pred"]).astype(np.float32)
        label = instance_ids(as_files_hold_it(item["label"])[0])
        found = instances(maps, self.mpp, self.distance_um, self.min_area_um2)
        self._scores.add(str(item["id"]), str(item.get("patient") or ""), gland_mask(maps), label, found)
        kept = kept_dir / f"{len(self._scores.rows) - 1}.npz"
        np.savez(kept, image=picture(item["image"]), found=_small(found), label=_small(label))
        for name, moments in self._ask_gates(item["image"]).items():
            self._gates[name].append(moments)

    def findings(self, kept_dir: Path, seed: int) -> Findings | None:
        """Sum the section up."""
        rows = self._scores.rows
        if not rows:
            return None
        use = {name: torch.cat(moments) for name, moments in self._gates.items()}
        groups = {self.section: self._scores.summary(seed)}
        figures = {"gate_use.png": gate_use_figure(use)} if use else {}
        cases = _cases(rows, kept_dir)
        return Findings(GLANDS, rows, {"sections": groups}, groups, {self.section: rows}, cases, use, figures)

    def _ask_gates(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Moments (1, 2, e) by output of the gates' weights for one image as a whole, as the network sees it."""
        if self.network is None or self.inferer is None or not self._asks:
            return {}
        network: Any = unwrap(self.network)
        batch = convert_to_tensor(image, track_meta=False).float()[None].to(next(network.parameters()).device)
        with eval_mode(network):
            outputs = network.outputs(self.inferer.seen(batch))
        found = gates(outputs)
        self._asks = bool(found)  # a network without gates need not run twice on every image
        return {name: gate_moments(gate).cpu() for name, gate in found.items()}


def _cases(rows: Sequence[Mapping[str, Any]], kept_dir: Path) -> list[Case]:
    ranked = GLANDS.rank(rows[0]).name
    cases = []
    for rank, index in best_median_worst([row[ranked] for row in rows]).items():
        with np.load(kept_dir / f"{index}.npz") as kept:
            image = kept["image"]
            cases.append(Case(rank, rows[index], image, tile_overlay(image, kept["found"], kept["label"])))
    return cases


def _small(ids: np.ndarray) -> np.ndarray:
    """The same ids in as few bytes as they need."""
    return ids.astype(np.min_scalar_type(ids.max(initial=0)))
