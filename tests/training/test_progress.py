import logging

import pytest
import torch
from ignite.engine import Engine, Events

from custom.training import Progress


def trainer():
    log = {"supervised/mask": torch.tensor(0.25), "supervised/distance": torch.tensor(0.5), "unsupervised/mask": 7.0}
    engine = Engine(lambda engine, batch: {"loss": torch.tensor(9.0), "log": log})
    Progress().attach(engine)
    return engine


def test_without_a_terminal_the_last_step_is_a_line(caplog):
    with caplog.at_level(logging.INFO):
        trainer().run([0, 0], max_epochs=3)
    lines = [record.getMessage() for record in caplog.records if record.name == "custom.training.progress"]
    assert len(lines) == 1
    # 0.25 + 0.5; the unsupervised part and the penalty are not counted
    assert lines[0].startswith("step 6 of 6, epoch 3 of 3, supervised loss 0.750")


def test_what_breaks_before_it_starts_is_not_hidden():
    engine = Engine(lambda engine, batch: None)

    @engine.on(Events.STARTED)
    def broken():
        raise ValueError("a damaged checkpoint")

    Progress().attach(engine)
    with pytest.raises(ValueError, match="damaged"):
        engine.run([0], max_epochs=1)
