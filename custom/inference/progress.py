from __future__ import annotations

from typing import Any

from ignite.engine import Engine, Events

from ..data.progress import Steps


class EngineProgress:
    """Handler that shows how far an evaluator is: a bar on a terminal, a line every 20 seconds elsewhere.

    Args:
        text: What is done.
        thing: What one iteration is called, in the singular.
    """

    def __init__(self, text: str, thing: str) -> None:
        self.text = text
        self.thing = thing
        self._steps: Steps | None = None

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator.

        Args:
            engine: The evaluator, of one epoch.
        """
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._step)
        engine.add_event_handler(Events.COMPLETED | Events.TERMINATE, self._close)

    def _start(self, engine: Engine) -> None:
        state: Any = engine.state
        self._steps = Steps(state.epoch_length or 0, self.text, self.thing)

    def _step(self, _: Engine) -> None:
        if self._steps is not None:
            self._steps.step()

    def _close(self, _: Engine) -> None:
        if self._steps is not None:
            self._steps.close()
