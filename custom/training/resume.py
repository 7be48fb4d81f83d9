"""Go on after a kill, and end with the same weights to the bit as a run that was left alone."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from ignite.engine import Engine, Events
from monai.data import set_rnd
from monai.utils import set_determinism

from ..checks import RequestError
from ..networks import weights

CHECKPOINT = "checkpoint.pt"


class Stateful(Protocol):
    """What `Resume` saves: a network, an optimiser, a schedule, the best score so far."""

    def state_dict(self) -> dict[str, Any]:
        """The state as plain containers of tensors and numbers."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Take a state over."""
        ...


class Restartable(Protocol):
    """A step with a loader of its own."""

    def restart(self) -> None:
        """Begin the loader anew."""
        ...


class Resume:
    """Write the last completed epoch, and start from it when it is there.

    Two things make the end the same to the bit. The file is written to a temporary name and renamed, so that a kill
    leaves the old or the new epoch, never half of one. And what is random in an epoch is a function of the seed, the
    process and the epoch alone: where an epoch starts, every generator is seeded and every loader restarted.

    Args:
        output_dir: Where `checkpoint.pt` lies.
        state: Name to object, all that a further epoch depends on; None where a setting has no such part.
        seed: Seed of the run.
        step: The training step, if it has a loader of its own, which is restarted too.
        datasets: Data sets whose random transforms are seeded.
        rank: Rank of this process; rank 0 writes, each draws its own images.
    """

    def __init__(
        self,
        output_dir: str,
        state: Mapping[str, Stateful | None],
        seed: int,
        step: Restartable | None = None,
        datasets: Iterable[Any] = (),
        rank: int = 0,
    ) -> None:
        self.path = Path(output_dir) / CHECKPOINT
        self.state = {name: holder for name, holder in state.items() if holder is not None}
        self.seed = seed
        self.step = step
        self.datasets = list(datasets)
        self.rank = rank

    def attach(self, engine: Engine) -> None:
        """Register with the trainer, before the handlers that look at the epoch where the run starts."""
        engine.add_event_handler(Events.STARTED, self._load)
        engine.add_event_handler(Events.EPOCH_STARTED, self._restart)

    def _load(self, engine: Engine) -> None:
        # Only now, when all other handlers are there: what validation and the kept weights did is saved with the epoch.
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._save)
        if not self.path.is_file():
            return
        checkpoint = _read(self.path)
        missing = sorted(set(self.state) ^ set(checkpoint["state"]))
        if missing:
            raise RequestError(f"{self.path}: was written by another configuration ({', '.join(missing)} differ)")
        for name, holder in self.state.items():
            holder.load_state_dict(checkpoint["state"][name])
        engine.state.epoch = checkpoint["epoch"]
        engine.state.iteration = checkpoint["epoch"] * engine.state.epoch_length
        logging.getLogger(__name__).info("going on after epoch %d of %d", checkpoint["epoch"], engine.state.max_epochs)

    def _restart(self, engine: Engine) -> None:
        seed = (self.seed + 1_000_003 * engine.state.epoch + 7_919 * self.rank) % 2**31
        set_determinism(seed)
        for dataset in self.datasets:
            set_rnd(dataset, seed)
        loader: Any = engine.state.dataloader
        engine.set_data(loader)
        if self.step is not None:
            self.step.restart()

    def _save(self, engine: Engine) -> None:
        if self.rank == 0:
            state = {name: holder.state_dict() for name, holder in self.state.items()}
            weights.write(self.path, {"epoch": engine.state.epoch, "state": state})


def _read(path: Path) -> dict[str, Any]:
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        return {"epoch": int(checkpoint["epoch"]), "state": dict(checkpoint["state"])}
    except Exception as error:  # torch raises half a dozen types for a file that is none of its own
        raise RequestError(
            f"{path}: cannot be read as a checkpoint ({type(error).__name__}); remove it to start anew"
        ) from error
