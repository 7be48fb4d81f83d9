import pytest
import torch
from ignite.engine import Engine, Events
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from custom.report import history
from custom.report.history import History, read_history


def _trainer(output_dir, stop_at=None, start=0, evaluator=None, validate_first=False):
    """Two steps an epoch; at step i the loss is i, the gate gives its two images (0.2, 0.8) and (0.4, 0.6)."""

    def step(engine, batch):
        if engine.state.iteration == stop_at:
            raise KeyboardInterrupt
        log = {"supervised/mask": torch.tensor(float(engine.state.iteration)), "learning_rate": 0.1}
        return {"log": log, "gates": {"mask": torch.tensor([[0.2, 0.8], [0.4, 0.6]])}, "images": 2, "waited": 0.0}

    trainer = Engine(step)
    if start:
        trainer.load_state_dict({"epoch": start, "max_epochs": 3, "epoch_length": 2})
    handler = History(output_dir, evaluator)

    def validate(_):
        evaluator.run([0])

    if evaluator is not None and validate_first:
        trainer.add_event_handler(Events.EPOCH_COMPLETED, validate)
    handler.attach(trainer)
    if evaluator is not None and not validate_first:
        trainer.add_event_handler(Events.EPOCH_COMPLETED, validate)
    trainer.run([{"image": torch.zeros(2, 3, 4, 4)}] * 2, max_epochs=3, epoch_length=2)
    return handler


def test_epochs_are_averaged(tmp_path):
    _trainer(tmp_path)
    rows = read_history(tmp_path / "history.csv")
    # steps 1, 2 | 3, 4 | 5, 6
    assert [(row["epoch"], row["step"], row["supervised/mask"]) for row in rows] == [
        (1, 2, 1.5),
        (2, 4, 3.5),
        (3, 6, 5.5),
    ]
    # (0.2 + 0.4) / 2, (0.8 + 0.6) / 2; spread |0.2 - 0.3| = 0.1
    for name, value in {"gate/mask/expert 1": 0.3, "gate/mask/expert 2": 0.7, "gate_spread/mask/expert 1": 0.1}.items():
        assert rows[2][name] == pytest.approx(value, abs=1e-6)
    assert rows[0]["images_per_second"] > 0
    assert 0 <= rows[0]["data_wait"] <= 1


def test_experts_are_called_by_their_names_where_the_step_says_them(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(history, "gate_use_figure", lambda gates, names: seen.append(names) or Figure())
    output = {
        "log": {"supervised/heart": 1.0},
        "gates": {"ct": torch.tensor([[0.2, 0.8]])},
        "experts": ["ct", "cine_mr"],
    }
    trainer = Engine(lambda engine, batch: output)
    History(tmp_path).attach(trainer)
    trainer.run([0], max_epochs=1)
    row = read_history(tmp_path / "history.csv")[0]
    assert row["gate/ct/cine_mr"] == pytest.approx(0.8)
    assert {name for name in row if name.startswith("gate")} == {
        f"{kind}/ct/{name}" for kind in ("gate", "gate_spread") for name in ("ct", "cine_mr")
    }
    assert seen == [["ct", "cine_mr"]]


def test_figures_come_at_the_end_and_nothing_temporary_stays(tmp_path):
    _trainer(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "curves.png",
        "gate_use.png",
        "history.csv",
        "tensorboard",
    ]


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(tmp_path):
    _trainer(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        _trainer(tmp_path / "cut", stop_at=6)
    # Two epochs were written, but the checkpoint is that of the first.
    assert len(read_history(tmp_path / "cut" / "history.csv")) == 2
    _trainer(tmp_path / "cut", start=1)
    whole, cut = (
        [{name: value for name, value in row.items() if name not in ("images_per_second", "data_wait")} for row in rows]
        for rows in (read_history(tmp_path / run / "history.csv") for run in ("whole", "cut"))
    )
    assert whole == cut
    events = EventAccumulator(str(tmp_path / "cut" / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("supervised/mask")] == [(2, 1.5), (4, 3.5), (6, 5.5)]


def test_a_run_from_the_beginning_forgets_the_old_table(tmp_path):
    _trainer(tmp_path)
    _trainer(tmp_path)
    assert [row["epoch"] for row in read_history(tmp_path / "history.csv")] == [1, 2, 3]


@pytest.mark.parametrize("validate_first", [True, False])
def test_validation_scores_stand_in_their_epoch(tmp_path, validate_first):
    evaluator = Engine(lambda engine, batch: None)

    @evaluator.on(Events.EPOCH_COMPLETED)
    def _(engine):
        engine.state.metrics = {"object_dice": 0.75, "per_class": torch.zeros(2)}

    _trainer(tmp_path, evaluator=evaluator, validate_first=validate_first)
    rows = read_history(tmp_path / "history.csv")
    assert [row["validation/object_dice"] for row in rows] == [0.75] * 3
    assert [row["supervised/mask"] for row in rows] == [1.5, 3.5, 5.5]
    assert "validation/per_class" not in rows[0]
