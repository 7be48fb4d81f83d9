"""When an evaluation scores, and which files it leaves."""

from __future__ import annotations

import csv
import io
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from ignite.engine import Engine, Events

from ..files import plain, replacing, replacing_directory, sha256, write_json, write_text
from ..inference.items import items
from .findings import Findings, Row
from .history import read_history
from .page import report_page
from .run_record import run_record


class Evaluation(Protocol):
    """What scores the items of one recipe: `GlandEvaluation`, `OrganEvaluation`."""

    def begin(self) -> None:
        """Forget what an earlier run of the evaluator found."""

    def score(self, item: Mapping[str, Any], kept_dir: Path) -> None:
        """Score one item.

        Args:
            item: As the engine holds it.
            kept_dir: Where its overlay goes, as `findings.overlay_name` calls it, and what else the page may need:
                which are shown is known at the end only, and a big section does not fit in memory. The overlays are
                kept, all else is deleted once the report is written.
        """

    def findings(self, kept_dir: Path, seed: int) -> Findings | None:
        """Sum up what was found.

        Args:
            kept_dir: The same as in `score`.
            seed: Of the bootstrap.

        Returns:
            None where nothing was scored: then no file is written.
        """


class EvaluationHandler:
    """Handler that scores each item of an evaluation and writes the report at the end.

    Writes `metrics.csv`, `overlays/` (of every image or volume), the figures found, `report.html` and, last,
    `metrics_summary.json`: where it is, all is there.

    Args:
        evaluation: Scores the items.
        output_dir: Where the files go.
        ckpt_path: The checkpoint, for the record.
        history_file: The training's `history.csv`, for its curves; may be absent.
        config: The merged config, for the record.
        seed: The seed, for the record and for the bootstrap.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        output_dir: str | os.PathLike[str],
        ckpt_path: str | os.PathLike[str] | None = None,
        history_file: str | os.PathLike[str] | None = None,
        config: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.evaluation = evaluation
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

    def _start(self, _: Engine) -> None:
        self._record, self._scored = run_record(self.config, self.seed), 0
        self._kept = TemporaryDirectory(prefix="evaluation_")
        self.evaluation.begin()

    def _score(self, engine: Engine) -> None:
        for item in items(engine):
            self.evaluation.score(item, Path(self._kept.name))
            self._scored += 1

    def _write(self, _: Engine) -> None:
        findings = self.evaluation.findings(Path(self._kept.name), self.seed)
        if findings is None:
            self._kept.cleanup()
            return
        with replacing_directory(self.output_dir / "overlays") as overlays:
            for picture in Path(self._kept.name).glob("*.png"):
                shutil.move(picture, overlays)
        self._kept.cleanup()
        evidence = self._evidence()
        write_text(self.output_dir / "metrics.csv", _table(findings.table))
        for name, figure in findings.figures.items():
            with replacing(self.output_dir / name) as temporary:
                figure.savefig(temporary, dpi=130)
        history = read_history(self.history_file) if self.history_file is not None else []
        page_file = self.output_dir / "report.html"
        write_text(page_file, report_page(findings, plain(evidence), history))
        write_json(self.output_dir / "metrics_summary.json", {**findings.summary, **evidence})
        logging.getLogger(__name__).info("%d scored; the report is %s", self._scored, page_file)

    def _evidence(self) -> dict[str, Any]:
        checkpoint = {}
        if self.ckpt_path is not None and Path(self.ckpt_path).is_file():
            checkpoint = {"checkpoint": str(self.ckpt_path), "checkpoint_sha256": sha256(self.ckpt_path)}
        record = {name: value for name, value in self._record.items() if name not in ("identity", "ended")}
        return {**checkpoint, **record}


def _table(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
