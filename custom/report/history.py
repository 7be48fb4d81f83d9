"""The course of a training, on disk: for TensorBoard, as a table, and as figures at the end."""

from __future__ import annotations

import csv
import io
import math
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from torch.utils.tensorboard import SummaryWriter

from ..files import replacing, write_text
from ..metrics import gate_moments
from .figures import curves_figure, gate_use_figure


class History:
    """Handler that averages what each step logs over an epoch and keeps it: `history.csv`, TensorBoard, figures.

    A step's output is a dictionary with `log` (name to number), and may hold `images` (how many it saw), `waited`
    (seconds that it waited for data itself) and `gates` (task to weights (b, e)), of which mean and spread over the
    epoch's images are kept as `gate/<task>/<expert>` and `gate_spread/<task>/<expert>`; the experts are called as
    `experts` says, or `expert <i>`.
    `images_per_second` and `data_wait` (share of the time spent waiting for data) are added. The table is rewritten
    after each epoch; a run that resumes goes on after the epoch it resumes from.

    Args:
        output_dir: Where `history.csv`, `tensorboard/` and, at the end, `curves.png` and `gate_use.png` go.
        evaluator: Engine whose `state.metrics` after each of its runs are kept as `validation/<name>`.
    """

    def __init__(self, output_dir: str | os.PathLike[str], evaluator: Engine | None = None) -> None:
        self.output_dir = Path(output_dir)
        self.evaluator = evaluator
        self.rows: dict[int, dict[str, float]] = {}
        self._trainer: Engine | None = None
        self._writer: Any = None

    def attach(self, engine: Engine) -> None:
        """Register with a trainer.

        Args:
            engine: The trainer.
        """
        self._trainer = engine
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_STARTED, self._begin_epoch)
        engine.add_event_handler(Events.GET_BATCH_STARTED, self._begin_wait)
        engine.add_event_handler(Events.GET_BATCH_COMPLETED, self._end_wait)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._end_epoch)
        engine.add_event_handler(Events.COMPLETED, self._draw)
        if self.evaluator is not None:
            self.evaluator.add_event_handler(Events.COMPLETED, self._validated)

    def _start(self, engine: Engine) -> None:
        rows = read_history(self.output_dir / "history.csv")
        self.rows = {int(row["epoch"]): row for row in rows if row["epoch"] <= engine.state.epoch}
        # purge_step hides what an interrupted run had written after the epoch that this one goes on from.
        self._writer = SummaryWriter(str(self.output_dir / "tensorboard"), purge_step=engine.state.iteration + 1)
        self._begin_epoch(engine)

    def _begin_epoch(self, _: Engine) -> None:
        self._logs: dict[str, list[torch.Tensor]] = defaultdict(list)
        self._gates: dict[str, list[torch.Tensor]] = defaultdict(list)
        self._experts: list[str] | None = None
        self._images, self._waited, self._began = 0, 0.0, time.perf_counter()

    def _begin_wait(self, _: Engine) -> None:
        self._wait_began = time.perf_counter()

    def _end_wait(self, _: Engine) -> None:
        self._waited += time.perf_counter() - self._wait_began

    def _collect(self, engine: Engine) -> None:
        # Kept as tensors: a number would make a GPU wait at every step.
        output: Any = engine.state.output
        for name, value in output["log"].items():
            self._logs[name].append(torch.as_tensor(value).detach())
        for name, weights in output.get("gates", {}).items():
            self._gates[name].append(weights.detach())
        self._experts = output.get("experts")
        self._images += output.get("images", 0)
        self._waited += output.get("waited", 0.0)
        # Here, not where the epoch ends: by then the validation has run.
        self._ended = time.perf_counter()

    def _end_epoch(self, engine: Engine) -> None:
        seconds = max(self._ended - self._began, 1e-9)
        averages = {name: float(torch.stack(values).double().mean()) for name, values in self._logs.items()}
        for task, weights in self._gate_weights().items():
            experts = self._experts or [f"expert {number + 1}" for number in range(weights.shape[1])]
            for expert, column in zip(experts, weights.T, strict=True):
                averages[f"gate/{task}/{expert}"] = float(column.mean())
                averages[f"gate_spread/{task}/{expert}"] = float(column.std(correction=0))
        averages |= {"images_per_second": self._images / seconds, "data_wait": self._waited / seconds}
        self._keep(engine, averages)

    def _validated(self, evaluator: Engine) -> None:
        if self._trainer is not None and self._trainer.state.epoch > 0 and self._writer is not None:
            numbers = {name: value for name, value in evaluator.state.metrics.items() if np.ndim(value) == 0}
            self._keep(self._trainer, {f"validation/{name}": float(value) for name, value in numbers.items()})

    def _keep(self, engine: Engine, values: dict[str, float]) -> None:
        """Add values to the row of the present epoch: the validation may come before or after the epoch's averages."""
        row = self.rows.setdefault(engine.state.epoch, {"epoch": engine.state.epoch, "step": engine.state.iteration})
        row |= values
        for name, value in values.items():
            self._writer.add_scalar(name, value, engine.state.iteration)
        self._writer.flush()
        write_history(self.output_dir / "history.csv", list(self.rows.values()))

    def _draw(self, _: Engine) -> None:
        self._writer.close()
        gates = {task: gate_moments(weights) for task, weights in self._gate_weights().items()}
        figures = {"curves.png": curves_figure(list(self.rows.values()))} if self.rows else {}
        if gates:
            figures["gate_use.png"] = gate_use_figure(gates, self._experts)
        for name, figure in figures.items():
            with replacing(self.output_dir / name) as temporary:
                figure.savefig(temporary, dpi=130)

    def _gate_weights(self) -> dict[str, torch.Tensor]:
        """Weights (n, e) by task of the images of the present epoch."""
        return {task: torch.cat(weights).double().cpu() for task, weights in self._gates.items()}


def read_history(path: str | os.PathLike[str]) -> list[dict[str, float]]:
    """Read a `history.csv`.

    Args:
        path: The table; an absent one is empty.

    Returns:
        A row an epoch; what a row lacks is absent.
    """
    if not Path(path).exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


def write_history(path: str | os.PathLike[str], rows: list[dict[str, float]]) -> None:
    """Write a `history.csv`, whole or not at all.

    Args:
        path: The table.
        rows: A row an epoch; the columns are all names that occur.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    table.writerows({name: _short(value) for name, value in row.items()} for row in rows)
    write_text(path, text.getvalue())


def _short(value: float) -> str:
    return f"{value:.8g}" if math.isfinite(value) else str(value)
