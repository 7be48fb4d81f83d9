"""When `run.json` is written, and when a run may begin anew."""

import json

import pytest
from ignite.engine import Engine, Events

from custom.checks import RequestError
from custom.report import Beginning
from custom.report.run_record import begin, check_same_run, run_record


def record(**settings):
    return run_record(settings, 3, {})


def settings_in(folder):
    return json.loads((folder / "run.json").read_text())["identity"]["settings"]


def test_the_record_is_written_when_the_training_starts_and_no_sooner(tmp_path):
    engine = Engine(lambda *_: None)
    Beginning(tmp_path, record(rate=1)).attach(engine)
    assert not list(tmp_path.iterdir())
    engine.run([0], max_epochs=1)
    assert settings_in(tmp_path) == {"rate": 1}


def test_a_training_that_fails_as_it_starts_was_no_run(tmp_path):
    engine = Engine(lambda *_: None)

    def fails():
        raise RequestError("another checkpoint")

    engine.add_event_handler(Events.STARTED, fails)  # as `Resume` does, which comes first
    Beginning(tmp_path, record(rate=1)).attach(engine)
    with pytest.raises(RequestError):
        engine.run([0], max_epochs=1)
    assert not list(tmp_path.iterdir())


def test_other_processes_leave_the_record_to_the_first(tmp_path):
    engine = Engine(lambda *_: None)
    Beginning(tmp_path, record(rate=1), rank=1).attach(engine)
    engine.run([0], max_epochs=1)
    assert not list(tmp_path.iterdir())


def test_a_run_of_which_nothing_was_kept_begins_anew(tmp_path, caplog):
    begin(tmp_path, record(rate=1))
    check_same_run(tmp_path, record(rate=2))
    with caplog.at_level("INFO"):
        begin(tmp_path, record(rate=2))
    assert "no epoch was finished here: the run begins anew" in caplog.text
    assert settings_in(tmp_path) == {"rate": 2}
    assert "restarts" not in json.loads((tmp_path / "run.json").read_text())


@pytest.mark.parametrize("kept", ["checkpoint.pt", "last.pt", "best.pt"])
def test_weights_are_never_written_over_by_another_run(tmp_path, kept):
    begin(tmp_path, record(rate=1))
    (tmp_path / kept).touch()
    for call in (check_same_run, begin):
        with pytest.raises(RequestError, match=r"found a run with settings {'rate': 1}, wanted settings {'rate': 2}"):
            call(tmp_path, record(rate=2))
    assert settings_in(tmp_path) == {"rate": 1}


def test_the_spelling_of_a_path_does_not_make_another_run(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "a.pt").touch()
    (tmp_path / "link.pt").symlink_to(tmp_path / "a.pt")
    (tmp_path / "last.pt").touch()
    monkeypatch.chdir(tmp_path)
    begin(tmp_path, record(init_path="a.pt", pretrained="$not @init_path"))
    for spelling in ("./a.pt", "models/../a.pt", str(tmp_path / "a.pt"), "link.pt"):
        check_same_run(tmp_path, record(init_path=spelling, pretrained="$not @init_path"))
    monkeypatch.chdir(tmp_path / "models")
    check_same_run(tmp_path, record(init_path="../a.pt", pretrained="$not @init_path"))
    for other in ("", "a.pt", "$'a.pt'"):
        with pytest.raises(RequestError, match="init_path"):
            check_same_run(tmp_path, record(init_path=other, pretrained="$not @init_path"))
