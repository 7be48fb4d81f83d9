"""Show how far a training is and how long it will still take."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from ignite.engine import Engine, Events
from tqdm import tqdm


class Progress:
    """A bar over all steps with the time left on a terminal, a line an epoch elsewhere."""

    def __init__(self) -> None:
        self._bar: Any = None

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._step)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._epoch)
        engine.add_event_handler(Events.COMPLETED | Events.TERMINATE | Events.EXCEPTION_RAISED, self._close)

    def _start(self, engine: Engine) -> None:
        state: Any = engine.state
        total = state.max_epochs * state.epoch_length
        self._begin, self._first = time.monotonic(), state.iteration
        self._bar = tqdm(total=total, initial=state.iteration, unit="step", disable=not sys.stderr.isatty())

    def _step(self, engine: Engine) -> None:
        self._bar.update()
        if not self._bar.disable and engine.state.iteration % 10 == 0:
            output: Any = engine.state.output
            self._bar.set_postfix(loss=f"{float(output['loss']):.3f}")

    def _epoch(self, engine: Engine) -> None:
        if self._bar.disable:
            state: Any = engine.state
            rate = (time.monotonic() - self._begin) / max(1, state.iteration - self._first)
            left = rate * (state.max_epochs * state.epoch_length - state.iteration)
            logging.getLogger(__name__).info(
                "epoch %d of %d, loss %.3f, %.2f s a step, about %.0f min left",
                state.epoch,
                state.max_epochs,
                float(state.output["loss"]),
                rate,
                left / 60,
            )

    def _close(self, engine: Engine, error: BaseException | None = None) -> None:
        if self._bar is not None:
            self._bar.close()
        if error is not None:
            raise error
