"""What the evaluations of all recipes have in common: when they score, and which files they leave."""

from __future__ import annotations

import csv
import io
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from matplotlib.figure import Figure

from ..files import plain, replacing, write_image, write_json, write_text
from ..inference.items import items
from .glands.page import GLANDS
from .history import read_history
from .page import Case, report_page
from .run_record import run_record, sha256
from .wording import Recipe


@dataclass(frozen=True)
class Findings:
    """What an evaluation found, ready to be written.

    Attributes:
        table: Rows of `metrics.csv`.
        summary: What `metrics_summary.json` begins with.
        sections: Of the page, as `report_page` takes them.
        rows: By section, a row of scores an image or volume.
        cases: What to show of them.
        gate_use: As the recipe's page takes it; empty: nothing.
        figures: By name, the figures that are kept as files too.
        recipe: What the page says.
    """

    table: Sequence[Mapping[str, Any]]
    summary: Mapping[str, Any]
    sections: Mapping[str, Any]
    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    cases: Sequence[Case]
    gate_use: Any = None
    figures: Mapping[str, Figure] = field(default_factory=dict)
    recipe: Recipe = GLANDS


class EvaluationHandler(ABC):
    """Handler that scores each item of an evaluation and writes the report at the end.

    Writes `metrics.csv`, `overlays/`, the figures found, `report.html` and, last, `metrics_summary.json`: where it is,
    all is there.

    Args:
        output_dir: Where the files go.
        ckpt_path: The checkpoint, for the record.
        history_file: The training's `history.csv`, for its curves; may be absent.
        config: The merged config, for the record.
        seed: The seed, for the record and for the bootstrap.
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        ckpt_path: str | os.PathLike[str] | None = None,
        history_file: str | os.PathLike[str] | None = None,
        config: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.ckpt_path = ckpt_path
        self.history_file = history_file
        self.config = config
        self.seed = seed

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator.

        Args:
            engine: The evaluator; its items hold `image`, `pred`, `label`, `id` and `patient` (empty or absent where
                unknown).
        """
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._score)
        engine.add_event_handler(Events.COMPLETED, self._write)

    @abstractmethod
    def begin(self) -> None:
        """Forget what an earlier run of the evaluator found."""

    @abstractmethod
    def score(self, item: Mapping[str, Any], kept_dir: Path) -> None:
        """Score one item.

        Args:
            item: As the engine holds it.
            kept_dir: Where to keep what the overlays need: which are shown is known at the end only, and a big section
                does not fit in memory. Deleted once the report is written.
        """

    @abstractmethod
    def findings(self, kept_dir: Path) -> Findings | None:
        """Sum up what was found.

        Args:
            kept_dir: The same as in `score`.

        Returns:
            None where nothing was scored: then no file is written.
        """

    def _start(self, _: Engine) -> None:
        self._record = run_record(self.config, self.seed)
        self._kept = TemporaryDirectory(prefix="evaluation_")
        self.begin()

    def _score(self, engine: Engine) -> None:
        for item in items(engine):
            self.score(item, Path(self._kept.name))

    def _write(self, _: Engine) -> None:
        findings = self.findings(Path(self._kept.name))
        self._kept.cleanup()
        if findings is None:
            return
        summary = plain({**findings.summary, **self._evidence()})
        write_text(self.output_dir / "metrics.csv", _table(findings.table))
        for case in findings.cases:
            name = "_".join(filter(None, [case.section, case.rank, str(case.row["id"])]))
            write_image(self.output_dir / "overlays" / f"{_file_name(name)}.png", case.overlay)
        for name, figure in findings.figures.items():
            with replacing(self.output_dir / name) as temporary:
                figure.savefig(temporary, dpi=130)
        history = read_history(self.history_file) if self.history_file is not None else []
        shown = {**summary, "sections": plain(findings.sections)}
        page = report_page(shown, findings.rows, findings.cases, findings.gate_use, history, findings.recipe)
        page_file = self.output_dir / "report.html"
        write_text(page_file, page)
        write_json(self.output_dir / "metrics_summary.json", summary)
        logging.getLogger(__name__).info("%d scored; the report is %s", len(findings.table), page_file)

    def _evidence(self) -> dict[str, Any]:
        checkpoint = {}
        if self.ckpt_path is not None and Path(self.ckpt_path).is_file():
            checkpoint = {"checkpoint": str(self.ckpt_path), "checkpoint_sha256": sha256(self.ckpt_path)}
        record = {name: value for name, value in self._record.items() if name not in ("identity", "ended")}
        return {**checkpoint, **record}


def best_median_worst(values: Sequence[float]) -> dict[str, int]:
    """Which of several things to show.

    Args:
        values: Of each, the higher the better; NaN counts as the best.

    Returns:
        `best`, `median` and `worst`, each with its place in the list.
    """
    order = sorted(range(len(values)), key=lambda index: np.nan_to_num(values[index], nan=np.inf))
    return {"best": order[-1], "median": order[len(order) // 2], "worst": order[0]}


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def _file_name(name: str) -> str:
    """A name that any file system takes and that stays in its folder."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
