"""What an evaluation leaves behind: scores of each image and of the section, overlays, a page to read.

Axes: c channels, w and h pixels; the engine's tensors are (c, w, h), arrays here (h, w).
"""

from __future__ import annotations

import csv
import io
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.networks.utils import eval_mode
from monai.utils import convert_to_tensor
from torch import nn
from torch.nn import functional as F

from ..metrics import gate_moments
from ..networks.task_view import unwrap
from ..targets.instances import instances
from ..targets.labels import instance_ids
from .figures import gate_use_figure
from .files import plain, replacing, write_image, write_json, write_text
from .history import read_history
from .html import Case, report_page
from .items import as_files_hold_it, items, picture
from .overlay import overlay
from .run_record import run_record, sha256
from .section_scores import SectionScores


class EvaluationReport:
    """Handler that scores each image of a section and writes the report at the end.

    Writes `metrics.csv`, `metrics_summary.json`, `overlays/` (best, median and worst), `gate_use.png` where there is a
    network to ask, and `report.html`.

    Args:
        output_dir: Where the files go.
        section: Name of the images' section, `testA` for instance.
        mpp: Size of a pixel of the images in µm.
        distance_um: The distance in µm at which the distance map is 1, as in training; None where it has no such
            scale: the pieces of the mask are the glands, and `pred` needs its first two channels only.
        min_area_um2: Smaller glands are left out.
        network: Asked for its gates' weights, on each image as a whole; None: the report leaves gates out.
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
        self.output_dir = Path(output_dir)
        self.section = section
        self.mpp = mpp
        self.distance_um = distance_um
        self.min_area_um2 = min_area_um2
        self.network = network
        self.network_mpp = network_mpp or mpp
        self.ckpt_path = ckpt_path
        self.history_file = history_file
        self.config = config
        self.seed = seed

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator.

        Args:
            engine: The evaluator; its items hold `image` (3, w, h) in [0, 1], `pred` (5, w, h), `label` (1, w, h) with
                ids, `id`, and `patient` (empty or absent where unknown).
        """
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._score)
        engine.add_event_handler(Events.COMPLETED, self._write)

    def _start(self, _: Engine) -> None:
        self._record = run_record(self.config, self.seed)
        self._scores = SectionScores(self.mpp)
        # Which images are shown is known at the end only, and a big section does not fit in memory.
        self._kept = TemporaryDirectory(prefix="evaluation_")
        self._gates: dict[str, list[torch.Tensor]] = defaultdict(list)

    def _score(self, engine: Engine) -> None:
        for item in items(engine):
            maps = as_files_hold_it(item["pred"]).astype(np.float32)
            label = instance_ids(as_files_hold_it(item["label"])[0])
            mask = maps[1] > maps[0]
            if self.distance_um is None:
                found = instance_ids(mask)
            else:
                found = instances(maps, self.mpp, self.distance_um, self.min_area_um2)
            self._scores.add(str(item["id"]), str(item.get("patient") or ""), mask, label, found)
            kept = self._kept_file(len(self._scores.rows) - 1)
            np.savez(kept, image=picture(item["image"]), found=_small(found), label=_small(label))
            for task, moments in self._ask_gates(item["image"]).items():
                self._gates[task].append(moments)

    def _ask_gates(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Moments (1, 2, e) by task of the weights for one image as a whole, at the network's own scale."""
        if self.network is None:
            return {}
        network: Any = unwrap(self.network)
        with eval_mode(network):
            batch = convert_to_tensor(image, track_meta=False).float()[None].to(next(network.parameters()).device)
            if abs(self.mpp / self.network_mpp - 1) > 0.01:
                batch = F.interpolate(batch, scale_factor=self.mpp / self.network_mpp, mode="bilinear", antialias=True)
            outputs = network.tasks(batch)
        gates = {name.removesuffix("_gate"): gate for name, gate in outputs.items() if name.endswith("_gate")}
        return {task: gate_moments(gate).cpu() for task, gate in gates.items()}

    def _write(self, _: Engine) -> None:
        rows = self._scores.rows
        if not rows:
            return
        gate_use = {task: torch.cat(moments) for task, moments in self._gates.items()}
        cases = self._cases(rows)
        summary = self._summary()
        write_text(self.output_dir / "metrics.csv", _table(rows))
        for case in cases:
            name = f"{case.rank}_{_file_name(case.row['id'])}.png"
            write_image(self.output_dir / "overlays" / name, case.overlay)
        if gate_use:
            with replacing(self.output_dir / "gate_use.png") as temporary:
                gate_use_figure(gate_use).savefig(temporary, dpi=130)
        history = read_history(self.history_file) if self.history_file is not None else []
        page = report_page(summary, {self.section: rows}, cases, gate_use, history)
        write_text(self.output_dir / "report.html", page)
        # Last: where it is, all is there.
        write_json(self.output_dir / "metrics_summary.json", summary)

    def _summary(self) -> dict[str, Any]:
        checkpoint = {}
        if self.ckpt_path is not None and Path(self.ckpt_path).is_file():
            checkpoint = {"checkpoint": str(self.ckpt_path), "checkpoint_sha256": sha256(self.ckpt_path)}
        record = {name: value for name, value in self._record.items() if name not in ("identity", "ended")}
        return plain({"sections": {self.section: self._scores.summary(self.seed)}, **checkpoint, **record})

    def _cases(self, rows: Sequence[Mapping[str, Any]]) -> list[Case]:
        ranked = "object_dice" if "object_dice" in rows[0] else "dice"
        order = sorted(range(len(rows)), key=lambda index: rows[index][ranked])
        chosen = {"best": order[-1], "median": order[len(order) // 2], "worst": order[0]}
        cases = []
        for rank, index in chosen.items():
            with np.load(self._kept_file(index)) as kept:
                image = kept["image"]
                cases.append(Case(rank, rows[index], image, overlay(image, kept["found"], kept["label"])))
        self._kept.cleanup()
        return cases

    def _kept_file(self, index: int) -> Path:
        return Path(self._kept.name) / f"{index}.npz"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _small(ids: np.ndarray) -> np.ndarray:
    """The same ids in as few bytes as they need."""
    return ids.astype(np.min_scalar_type(ids.max(initial=0)))


def _cell(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def _file_name(name: str) -> str:
    """A name that any file system takes and that stays in its folder."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
