"""Which epoch's weights lie in the two files: the network holds the number of the epoch."""

import pytest
import torch
from ignite.engine import Engine, Events
from torch import nn

from custom.networks import weights
from custom.training import KeepWeights

FACTS = {"network_mpp": 0.5, "distance_um": 20.0}


class Epoch(nn.Module):
    """Its one weight is the number of the epoch."""

    recipe = "gland"

    def __init__(self):
        super().__init__()
        self.arguments = {"features": {"name": "none"}}
        self.number = nn.Parameter(torch.zeros(1))

    def maps(self, image):
        return image


def scoring():
    """An evaluator whose key metric is the score that it is given; None leaves it without one."""

    def score(engine, given):
        engine.state.key_metric_name = "dice"
        engine.state.metrics = {} if given is None else {"dice": given}

    return Engine(score)


def held(folder):
    """The epoch in each file that is there."""
    return {path.stem: int(weights.read(path)["model"]["number"]) for path in sorted(folder.iterdir())}


def train(folder, scores, state=None, first=1):
    """Epochs with these validation scores; what lies in the folder after each, and the state at the end."""
    network, evaluator, found = Epoch(), scoring(), []

    def step(engine, batch):
        nn.init.constant_(network.number, first - 1 + engine.state.epoch)

    trainer = Engine(step)
    trainer.add_event_handler(
        Events.EPOCH_COMPLETED, lambda engine: evaluator.run([scores[engine.state.epoch - 1]], max_epochs=1)
    )
    keep = KeepWeights(str(folder), network, FACTS, evaluator)
    if state is not None:
        keep.load_state_dict(state)
    keep.attach(trainer)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: found.append(held(folder)))
    trainer.run([0], max_epochs=len(scores))
    return found, keep.state_dict()


def test_the_best_changes_only_when_the_score_rises_and_the_last_after_every_epoch(tmp_path):
    found, state = train(tmp_path, [0.5, 0.7, 0.6, 0.7, 0.8])
    assert [files["best"] for files in found] == [1, 2, 2, 2, 5]
    assert [files["last"] for files in found] == [1, 2, 3, 4, 5]
    assert state == {"best": 0.8}


@pytest.mark.parametrize("nothing", [float("nan"), None])
def test_an_epoch_without_a_score_is_never_the_best(tmp_path, nothing):
    found, state = train(tmp_path, [nothing, 0.2, nothing, 0.3])
    assert found == [{"last": 1}, {"best": 2, "last": 2}, {"best": 2, "last": 3}, {"best": 4, "last": 4}]
    assert state == {"best": 0.3}


def test_the_best_is_not_forgotten_where_a_run_goes_on(tmp_path):
    _, state = train(tmp_path, [0.7])
    torch.save(state, tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    (tmp_path / "state.pt").unlink()
    found, _ = train(tmp_path, [0.6, 0.71], state, first=2)
    assert found == [{"best": 1, "last": 2}, {"best": 3, "last": 3}]
    found, _ = train(tmp_path, [0.6], None, first=4)  # so that it is the state that keeps it
    assert found == [{"best": 4, "last": 4}]


def test_a_state_without_a_score_yet_goes_on_too(tmp_path):
    _, state = train(tmp_path, [None])
    found, _ = train(tmp_path, [0.0], state, first=2)
    assert found == [{"best": 2, "last": 2}]


def test_without_validation_there_is_the_last_alone(tmp_path):
    network, trainer = Epoch(), Engine(lambda engine, batch: None)
    KeepWeights(str(tmp_path / "run"), network, FACTS).attach(trainer)
    trainer.run([0], max_epochs=2)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["last.pt"]
    assert weights.read(tmp_path / "run" / "last.pt", "gland")["facts"] == FACTS
