"""What a training says at its end."""

import logging
from types import SimpleNamespace

import pytest
from ignite.engine import Engine, Events
from torch import nn

from custom.training import Ending, KeepWeights


class Network(nn.Linear):
    recipe, arguments, maps = "gland", {"features": {}}, None

    def __init__(self):
        super().__init__(1, 1)


def train(tmp_path, scores, init_path, epochs=2, **options):
    """A training whose evaluator gives these scores one after the other."""
    evaluator = Engine(lambda engine, batch: None)
    evaluator.state.metrics = {}
    given = iter(scores)

    def run():
        evaluator.state.metrics["dice"] = next(given)
        evaluator.state.key_metric_name = "dice"
        evaluator.fire_event(Events.COMPLETED)

    fake = SimpleNamespace(run=run, state=evaluator.state, add_event_handler=evaluator.add_event_handler)
    keep = KeepWeights(str(tmp_path), Network(), {}, fake)
    trainer = Engine(lambda engine, batch: None)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: fake.run())
    Ending(tmp_path, keep, init_path, fake, "--output_dir {}", **options).attach(trainer)
    keep.attach(trainer)
    trainer.run([0], max_epochs=epochs)


@pytest.mark.parametrize(("scores", "verdict"), [([0.8, 0.7, 0.9], "training helped"), ([0.8, 0.7, 0.6], "no better")])
def test_the_start_is_scored_and_compared(tmp_path, caplog, scores, verdict):
    with caplog.at_level(logging.INFO):
        train(tmp_path, scores, "models/model.pt")
    best = max(scores)
    assert f"best on the validation images, at a Dice of {best:.3f}: {tmp_path / 'best.pt'}" in caplog.text
    assert "models/model.pt, have 0.800 there" in caplog.text
    assert verdict in caplog.text
    assert f"next, with the same variants if any: python -m monai.bundle run --output_dir {tmp_path}" in caplog.text
    assert (tmp_path / "best.pt").is_file()


def test_without_weights_to_start_from_nothing_is_compared(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        train(tmp_path, [0.7, 0.9], "")
    assert "started from" not in caplog.text
    assert "at a Dice of 0.900" in caplog.text


def test_one_process_speaks(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        train(tmp_path, [0.8, 0.7, 0.9], "models/model.pt", rank=1)
    assert "next," not in caplog.text
