"""Write the weights that are kept: the last, and the best on the validation images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from torch import nn

from ..networks import weights


class KeepWeights:
    """Write `last.pt` after every epoch and `best.pt` when the validation score rises.

    Part of the resumed state, so that the best is not forgotten after a restart.

    Args:
        output_dir: Where the files go.
        network: What is kept: the teacher's network, or the network itself.
        facts: What else the weights hold for, as `weights.save` wants it.
        evaluator: Gives the validation score as its key metric; None without validation images.
    """

    def __init__(
        self, output_dir: str, network: nn.Module, facts: Mapping[str, Any], evaluator: Engine | None = None
    ) -> None:
        self.folder = Path(output_dir)
        self.network = network
        self.facts = dict(facts)
        self.evaluator = evaluator
        self.best = float("-inf")

    def attach(self, engine: Engine) -> None:
        """Register with the trainer, after the validation."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._last)
        if self.evaluator is not None:
            self.evaluator.add_event_handler(Events.COMPLETED, self._best)

    def state_dict(self) -> dict[str, Any]:
        """The best score so far."""
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` gave."""
        self.best = float(state["best"])

    def _last(self, engine: Engine) -> None:
        weights.save(self.folder / "last.pt", self.network, self.facts)

    def _best(self, evaluator: Engine) -> None:
        state: Any = evaluator.state
        score = state.metrics.get(state.key_metric_name, float("nan"))
        if score > self.best:
            self.best = float(score)
            weights.save(self.folder / "best.pt", self.network, self.facts)
