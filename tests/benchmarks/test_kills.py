import importlib
import json
import sys

import pytest
import torch

from custom.networks import weights
from custom.report.history import write_history


@pytest.fixture
def kills(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return importlib.import_module("kills")


def end(folder, weight=1.0, rate=3.0):
    for name in ("last.pt", "best.pt", "checkpoint.pt"):
        weights.write(folder / name, {"epoch": 2, "state": {"a": [torch.tensor([weight])]}})
    write_history(folder / "history.csv", [{"epoch": 1, "loss": weight, "images_per_second": rate}])
    return folder


def test_two_ends_are_the_same_but_for_times(kills, tmp_path):
    runs = end(tmp_path / "whole"), end(tmp_path / "killed", rate=7.0)
    (runs[1] / "tmp12").touch()
    found = kills._compare(*runs)
    assert found == {"equal": True, "differ": [], "missing": [], "left_over": ["tmp12"]}


def test_another_bit_and_a_missing_file_are_named(kills, tmp_path):
    # 1 + 2^-23 is the float32 that follows 1.
    runs = end(tmp_path / "whole"), end(tmp_path / "killed", weight=1 + 2**-23)
    (runs[0] / "curves.png").touch()
    found = kills._compare(*runs)
    assert not found["equal"]
    assert found["differ"][:3] == ["last.pt", "best.pt", "checkpoint.pt"]
    assert found["missing"] == ["curves.png"]


def test_lost_is_what_was_finished_and_has_to_be_learnt_again(kills):
    """Finished 3, gone on after 2: one lost. Finished 5, gone on after 5: none. Ended at 9, begun anew at 0: none."""
    epochs = [("any", "between", 0, 3), ("any", "start", 2, 5), ("never", "ended", 5, 9), ("any", "between", 0, 1)]
    report = kills._report([kills.Kill(*one, 1.0) for one in epochs], [])
    assert report["lost"] == 1
    assert report["kills"] == 3


@pytest.mark.slow
def test_two_kills(repository, kills, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["kills.py"])
    with pytest.raises(SystemExit) as ended:
        kills.main(to=str(tmp_path / "kills.json"), kills=2, folder=str(tmp_path / "run"))
    assert ended.value.code == 0
    assert json.loads((tmp_path / "kills.json").read_text())["kills"] == 2
