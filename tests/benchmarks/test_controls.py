import csv
import json
import math

import controls
import numpy as np
import pytest
from controls import collect, difference, evaluate, is_evaluated, row, train

from custom.place import bundle_root

NAN = math.nan


def finished(folder, section="test", scores="sections"):
    """A run that is trained and evaluated, whose files name the machine's paths."""
    evaluation = folder / f"evaluation_{section}"
    (evaluation / "overlays").mkdir(parents=True)
    summary = {
        scores: {section: {"dice": 0.5}}, "checkpoint": str(folder / "last.pt"), "checkpoint_sha256": "ab",
        "command": f"run --output_dir {folder}", "seed": 0, "commit": "c0ffee", "versions": {"torch": "2"},
        "started": "2026-01-01", "machine": {"cpus": 2}, "config": {"output_dir": str(folder)},
    }  # fmt: skip
    (evaluation / "metrics_summary.json").write_text(json.dumps(summary))
    (evaluation / "metrics.csv").write_text("id,dice\na,0.5\n")
    (folder / "history.csv").write_text("epoch\n1\n")
    (folder / "seconds.txt").write_text("60\n")
    for name in ("last.pt", "run.json", "evaluation_test/report.html", "evaluation_test/overlays/best_a.png"):
        (folder / name).write_text(str(folder))
    return summary


@pytest.mark.parametrize("scores", ["sections", "tasks"])
def test_what_is_collected_has_no_path_of_the_machine(tmp_path, scores):
    runs, docs = tmp_path / "runs", tmp_path / "docs"
    summary = finished(runs / "token_seed0", scores=scores)
    collect(str(runs), str(docs))
    copied = {path.relative_to(docs).as_posix(): path for path in docs.rglob("*") if path.is_file()}
    assert set(copied) == {
        "token_seed0/history.csv", "token_seed0/seconds.txt", "token_seed0/evaluation_test/metrics.csv",
        "token_seed0/evaluation_test/metrics_summary.json",
    }  # fmt: skip
    assert not [name for name, path in copied.items() if str(tmp_path) in path.read_text()]
    kept = json.loads(copied["token_seed0/evaluation_test/metrics_summary.json"].read_text())
    assert kept == {key: value for key, value in summary.items() if key in controls.KEPT}
    assert {scores, "seed", "commit", "versions", "checkpoint_sha256", "started"} == set(kept)


def test_parts_of_a_run_are_collected_and_what_was_not_evaluated_is_not(tmp_path):
    finished(tmp_path / "runs" / "separate_seed1" / "heart")
    (tmp_path / "runs" / "separate_seed1" / "first").mkdir()
    (tmp_path / "runs" / "separate_seed1" / "first" / "seconds.txt").write_text("5\n")
    (tmp_path / "runs" / "token_seed0").mkdir()
    (tmp_path / "runs" / "token_seed0" / "history.csv").write_text("epoch\n")
    collect(str(tmp_path / "runs"), str(tmp_path / "docs"))
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["separate_seed1"]
    assert (tmp_path / "docs" / "separate_seed1" / "first" / "seconds.txt").read_text() == "5\n"
    assert (tmp_path / "docs" / "separate_seed1" / "heart" / "evaluation_test" / "metrics.csv").exists()


def test_what_stands_in_the_docs_is_collected_as_it_is(tmp_path, repository):
    runs = repository / "docs" / "runs" / "glas_20"
    collect(str(runs), str(tmp_path))
    name = "semi_moe_seed1/evaluation_testA"
    with (
        open(runs / name / "metrics.csv", newline="") as there,
        open(tmp_path / name / "metrics.csv", newline="") as here,
    ):
        assert list(csv.reader(there)) == list(csv.reader(here))
    there, here = (json.loads((folder / name / "metrics_summary.json").read_text()) for folder in (runs, tmp_path))
    assert there == here


def test_a_difference_is_the_mean_over_scores_with_patients_drawn():
    # each patient is drawn alone in a quarter of the draws
    assert difference(np.array([[0.6], [0.9]]), np.full((2, 1), 0.5), ["1", "2"]) == "+0.250 (+0.100 to +0.400)"
    # first organ: (-0.1 - 0.3) / 2; second: +0.4 of the one volume that has it; third: none has it; mean +0.1
    ours, theirs = np.array([[0.4, NAN, NAN], [0.2, 0.9, NAN]]), np.full((2, 3), 0.5)
    assert difference(ours, theirs, ["1", "2"]).startswith("+0.100 (")
    # the patient alone has nothing to draw from
    assert difference(np.array([[0.75], [0.5]]), np.full((2, 1), 0.5), ["1", "1"]) == "+0.125 (+nan to +nan)"


def test_a_head_is_underlined_as_far_as_it_goes(capsys):
    row("a", 1, "c", head=True)
    row("x", 2.5, "-")
    assert capsys.readouterr().out == "| a | 1 | c |\n|---|---|---|\n| x | 2.5 | - |\n"


def test_a_training_and_an_evaluation_are_the_documented_commands(tmp_path, commands):
    train(tmp_path / "run", ["train", "semi_moe"], {"seed": 3})
    evaluate(tmp_path / "run", ["train", "evaluate"], {"seed": 3}, "testA")
    folder, files = (
        str(tmp_path / "run"),
        ("['configs/train.json', 'configs/semi_moe.json']", "['configs/train.json', 'configs/evaluate.json']"),
    )
    assert commands == [
        (["run", "--config_file", files[0], "--seed", "3", "--output_dir", folder], bundle_root()),
        (
            ["run", "--config_file", files[1], "--seed", "3", "--output_dir", folder, "--test_section", "testA"],
            bundle_root(),
        ),
    ]


def test_a_training_that_ended_is_passed_over_and_one_cut_short_goes_on(tmp_path, monkeypatch):
    clock, calls = [0.0], []

    def run(command, cwd, check):
        calls.append(command)
        clock[0] += 20.0
        if len(calls) == 1:
            raise KeyboardInterrupt
        (tmp_path / "run.json").write_text(json.dumps({"ended": "2026-01-01"}))

    monkeypatch.setattr(controls.subprocess, "run", run)
    monkeypatch.setattr(controls.time, "monotonic", lambda: clock[0])
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, ["train"], {})
    (tmp_path / "run.json").write_text(json.dumps({"ended": None}))
    assert (tmp_path / "seconds.txt").read_text() == "20\n"
    train(tmp_path, ["train"], {})
    assert (tmp_path / "seconds.txt").read_text() == "40\n"
    train(tmp_path, ["train"], {})
    assert len(calls) == 2


def test_an_evaluation_is_over_where_its_summary_is(tmp_path):
    assert not is_evaluated(tmp_path, "test")
    finished(tmp_path)
    assert is_evaluated(tmp_path, "test")
    assert not is_evaluated(tmp_path, "testA")
