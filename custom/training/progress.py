"""Show how far a training is and how long it will still take."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from typing import Any

from ignite.engine import Engine, Events
from tqdm import tqdm

from ..data.progress import LINE_EVERY


class Progress:
    """A bar over all steps with the time left on a terminal, a line every 20 seconds elsewhere.

    It shows the sum of the supervised losses. The loss that is learnt from also holds the weights' penalty and the
    unsupervised part, whose weight rises, so that it says little about progress.
    """

    def __init__(self) -> None:
        self._bar: Any = None

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._step)
        engine.add_event_handler(Events.COMPLETED | Events.TERMINATE | Events.EXCEPTION_RAISED, self._close)

    def _start(self, engine: Engine) -> None:
        state: Any = engine.state
        self._total = state.max_epochs * state.epoch_length
        self._began = self._said = time.monotonic()
        self._first = state.iteration
        self._bar = tqdm(total=self._total, initial=self._first, unit="step", disable=not sys.stderr.isatty())

    def _step(self, engine: Engine) -> None:
        state: Any = engine.state
        self._bar.update()
        if not self._bar.disable:
            if state.iteration % 10 == 0:
                self._bar.set_postfix(loss=f"{_supervised(state.output):.3f}")
        elif time.monotonic() - self._said > LINE_EVERY or state.iteration == self._total:
            self._said = time.monotonic()
            rate = (self._said - self._began) / (state.iteration - self._first)
            logging.getLogger(__name__).info(
                "step %d of %d, epoch %d of %d, supervised loss %.3f, %.2f s a step, %.1f min left",
                state.iteration,
                self._total,
                state.epoch,
                state.max_epochs,
                _supervised(state.output),
                rate,
                rate * (self._total - state.iteration) / 60,
            )

    def _close(self, engine: Engine, error: BaseException | None = None) -> None:
        if self._bar is not None:
            self._bar.close()
        if error is not None:
            raise error


def _supervised(output: Mapping[str, Any]) -> float:
    return sum(float(value) for name, value in output["log"].items() if name.startswith("supervised/"))
