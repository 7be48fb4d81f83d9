"""What a training says at its end: where the weights are, how good they are, and what to run next."""

from __future__ import annotations

import logging
import math
import os
import shlex
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from .keep import KeepWeights


class Ending:
    """Handler that scores the weights a training starts from, and says at its end what came of it.

    Args:
        output_dir: Where the weights are.
        keep: What keeps the best weights.
        init_path: The weights that the training started from; empty: none that are worth a score.
        evaluator: Gives the validation score as its key metric; None without validation images.
        next_command: What to run next, after `python -m monai.bundle run`, with `{}` for the folder.
        rank: Of this process: all score, since scores are gathered, and the first one speaks.
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        keep: KeepWeights,
        init_path: str = "",
        evaluator: Engine | None = None,
        next_command: str = "",
        rank: int = 0,
    ) -> None:
        self.folder = Path(output_dir)
        self.keep = keep
        self.init_path = init_path
        self.evaluator = evaluator
        self.next_command = next_command
        self.rank = rank
        self.start = math.nan

    def attach(self, engine: Engine) -> None:
        """Register with the trainer, after what resumes it."""
        engine.add_event_handler(Events.STARTED, self._score_start)
        engine.add_event_handler(Events.COMPLETED, self._tell)

    def _score_start(self, engine: Engine) -> None:
        if self.evaluator is not None and self.init_path and engine.state.epoch == 0:
            self.evaluator.run()
            state: Any = self.evaluator.state
            self.start = float(state.metrics[state.key_metric_name])

    def _tell(self, _: Engine) -> None:
        if self.rank:
            return
        log = logging.getLogger(__name__).info
        log("weights at the end: %s", self.folder / "last.pt")
        if math.isfinite(self.keep.best):
            log("best on the validation images, at a Dice of %.3f: %s", self.keep.best, self.folder / "best.pt")
        if math.isfinite(self.start):
            better = "better: training helped" if self.keep.best > self.start else "no better: the start may be kept"
            log("the weights it started from, %s, have %.3f there; best.pt is %s", self.init_path, self.start, better)
        if self.next_command:
            log(
                "next, with the same variants if any: python -m monai.bundle run %s",
                self.next_command.format(shlex.quote(str(self.folder))),
            )
