import hashlib
import json
import re

import pytest

from custom.checks import RequestError
from custom.report import run_record as module
from custom.report.run_record import check_same_run, end_run_record, run_record, sha256, write_run_record

IDENTITY = {"data": "/data/glas", "network": {"features": 32, "gate": "image"}}


def test_record_holds_what_the_run_was_started_with(monkeypatch):
    monkeypatch.setattr("sys.argv", ["run", "--output_dir", "my runs"])
    record = run_record({"seed": 3, "path": module}, 3, IDENTITY)
    assert record["command"] == "run --output_dir 'my runs'"
    assert record["identity"] == {**IDENTITY, "seed": 3, "settings": {"seed": 3, "path": str(module)}}
    assert {"python", "torch", "monai", "numpy", "pytorch-ignite"} <= set(record["versions"])
    assert record["machine"]["cpus"] >= 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", record["started"])
    json.dumps(record, allow_nan=False)


def test_commit_is_that_of_the_checkout_the_file_is_tracked_in(monkeypatch):
    answers = {"ls-files": "run_record.py", "rev-parse": "abc123", "status": " M x.py"}
    monkeypatch.setattr(module, "_git", lambda folder, *words: answers[words[0]])
    assert (run_record()["commit"], run_record()["dirty"]) == ("abc123", True)
    # Installed below somebody else's checkout: git does not know the file.
    monkeypatch.setattr(module, "_git", lambda folder, *words: None if words[0] == "ls-files" else "theirs")
    assert (run_record()["commit"], run_record()["dirty"]) == (None, None)


def test_the_same_run_goes_on_and_another_is_refused(tmp_path):
    record = run_record({}, 3, IDENTITY)
    check_same_run(tmp_path, record)
    write_run_record(tmp_path, record)
    check_same_run(tmp_path, record)
    check_same_run(tmp_path, run_record({"max_epochs": 500}, 3, IDENTITY))
    for seed, identity, words in (
        (4, IDENTITY, "found a run with seed 3, wanted seed 4"),
        (3, IDENTITY | {"data": "/data/crag"}, "data /data/glas, wanted data /data/crag"),
        (
            3,
            IDENTITY | {"network": {"features": 32, "gate": "pixel"}},
            r"{'gate': 'image'}, wanted network {'gate': 'pixel'}",
        ),
    ):
        with pytest.raises(RequestError, match=f"{words}; give another --output_dir"):
            check_same_run(tmp_path, run_record({}, seed, identity))


def test_other_settings_are_another_run(tmp_path):
    write_run_record(tmp_path, run_record({"learning_rate": 0.001, "device": "cpu"}, 3, IDENTITY))
    check_same_run(tmp_path, run_record({"learning_rate": 0.001, "device": "cuda"}, 3, IDENTITY))
    with pytest.raises(RequestError, match=r"{'learning_rate': 0.001}, wanted settings {'learning_rate': 0.1}"):
        check_same_run(tmp_path, run_record({"learning_rate": 0.1, "device": "cpu"}, 3, IDENTITY))


def test_start_end_and_restarts_are_kept_and_no_temporary_file_stays(tmp_path):
    first = run_record() | {"started": "2026-01-01T00:00:00+00:00", "command": "first"}
    write_run_record(tmp_path, first)
    assert json.loads((tmp_path / "run.json").read_text())["ended"] is None
    write_run_record(tmp_path, run_record() | {"command": "second"})
    write_run_record(tmp_path, run_record() | {"command": "third"})
    end_run_record(tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    assert (record["started"], record["command"]) == (first["started"], "first")
    assert [restart["command"] for restart in record["restarts"]] == ["second", "third"]
    assert record["ended"] >= record["restarts"][1]["started"]
    assert first["ended"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_sha256(tmp_path):
    (tmp_path / "last.pt").write_bytes(b"weights")
    assert sha256(tmp_path / "last.pt") == hashlib.sha256(b"weights").hexdigest()
