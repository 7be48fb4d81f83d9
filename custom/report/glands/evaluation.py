"""The evaluation of glands: scores of each image and of the section, overlays, gate use.

Axes: c channels, w and h pixels; the engine's tensors are (c, w, h), arrays here (h, w).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.networks.utils import eval_mode
from monai.utils import convert_to_tensor
from PIL import Image
from scipy import ndimage
from torch import nn

from ...drawing.tile import Mark, tile_overlay
from ...files import write_image
from ...geometry.axes import as_files_hold_it, picture
from ...inference import SquareInferer, TileInferer
from ...metrics import gate_moments
from ...networks.all_outputs import gates, unwrap
from ...targets.instances import instances
from ...targets.labels import instance_ids
from ...targets.maps import gland_mask
from ..figures import gate_use_figure
from ..findings import Case, Findings, best_median_worst, overlay_name, trained_too
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
        trained_patients: Patients of the data set's training and unlabelled images, to say whose images these are.
    """

    def __init__(
        self,
        section: str,
        mpp: float,
        distance_um: float | None = None,
        min_area_um2: float = 500.0,
        network: nn.Module | None = None,
        inferer: TileInferer | SquareInferer | None = None,
        trained_patients: Collection[str] = (),
    ) -> None:
        self.section = section
        self.mpp = mpp
        self.distance_um = distance_um
        self.min_area_um2 = min_area_um2
        self.network = network
        self.inferer = inferer
        self.trained_patients = set(trained_patients)

    def begin(self) -> None:
        """Forget what an earlier run of the evaluator found."""
        self._scores = GlandScores(self.mpp)
        self._gates: dict[str, list[torch.Tensor]] = defaultdict(list)
        self._asks = True

    def score(self, item: Mapping[str, Any], kept_dir: Path) -> None:
        """Score one image, and draw it with both outlines and what is wrong with each gland."""
        maps = as_files_hold_it(item["pred"]).astype(np.float32)
        label = instance_ids(as_files_hold_it(item["label"])[0])
        found = instances(maps, self.mpp, self.distance_um, self.min_area_um2)
        name = str(item["id"])
        errors = self._scores.add(name, str(item.get("patient") or ""), gland_mask(maps), label, found)
        image = picture(item["image"])
        np.save(kept_dir / f"{len(self._scores.rows) - 1}.npy", image)
        write_image(kept_dir / overlay_name("", name), tile_overlay(image, found, label, _marks(errors, found, label)))
        for gate, moments in self._ask_gates(item["image"]).items():
            self._gates[gate].append(moments)

    def findings(self, kept_dir: Path, seed: int) -> Findings | None:
        """Sum the section up."""
        rows = self._scores.rows
        if not rows:
            return None
        use = {name: torch.cat(moments) for name, moments in self._gates.items()}
        groups = {self.section: {**self._scores.summary(seed), **trained_too(rows, self.trained_patients)}}
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
    """The best, the median and the worst of the images with a gland; of all, where none has one."""
    ranked = GLANDS.rank(rows[0]).name
    places = [place for place, row in enumerate(rows) if row["glands"]] or list(range(len(rows)))
    chosen = best_median_worst([rows[place][ranked] for place in places])
    cases = []
    for rank, index in chosen.items():
        row, image = rows[places[index]], np.load(kept_dir / f"{places[index]}.npy")
        cases.append(Case(rank, row, image, _overlay(row, kept_dir)))
    return cases


def _overlay(row: Mapping[str, Any], kept_dir: Path) -> np.ndarray:
    return np.asarray(Image.open(kept_dir / overlay_name("", str(row["id"]))))


def _marks(errors: Mapping[str, list[int]], found: np.ndarray, label: np.ndarray) -> list[Mark]:
    """What is wrong with each gland, written in its middle."""
    ids = {"missed": label, "split": label, "merged": found, "extra": found}
    return [
        (kind, middle)
        for kind, wrong in errors.items()
        for middle in ndimage.center_of_mass(ids[kind] > 0, ids[kind], wrong)
    ]
