import json
from pathlib import Path

import numpy as np
import pytest
from ignite.engine import Engine, Events

from custom.files import sha256, write_image
from custom.report.evaluation_handler import EvaluationHandler
from custom.report.findings import Case, Findings, overlay_name
from custom.report.glands.page import GLANDS
from custom.report.history import write_history


class Counting:
    """Keeps a file and an overlay an item, and sums up how many there are."""

    def begin(self):
        self.count = 0

    def score(self, item, kept_dir):
        (kept_dir / f"{self.count}.txt").write_text(item["id"])
        write_image(kept_dir / overlay_name("a/b", item["id"]), np.zeros((4, 4, 3), np.uint8))
        self.count += 1

    def findings(self, kept_dir, seed):
        self.kept, self.seed = kept_dir, seed
        names = [path.read_text() for path in sorted(kept_dir.glob("*.txt"))]
        rows = [{"id": name, "patient": "", "dice": 0.123456789} for name in names]
        groups = {"s": {"images": len(rows), "patients": None, "scores": {"dice": {"mean": 0.5}}}}
        picture = np.zeros((4, 4, 3), np.uint8)
        if not rows:
            return None
        cases = [Case("best", rows[0], None, picture, "a/b")]
        return Findings(GLANDS, rows, {"only": float("nan")}, groups, {"s": rows}, cases)


def run(handler, names):
    def step(engine, name):
        engine.state.batch = [{"id": name}]
        return [{}]

    evaluator = Engine(step)
    handler.attach(evaluator)
    evaluator.run(names)


def test_what_was_found_is_written_and_nothing_else_stays(tmp_path):
    evaluation = Counting()
    run(EvaluationHandler(evaluation, tmp_path, config={"a": 1}), ["x y", "z"])
    assert (tmp_path / "metrics.csv").read_text() == "id,patient,dice\nx y,,0.123457\nz,,0.123457\n"
    # what a file system does not take, or what would leave the folder, is replaced
    assert sorted(path.name for path in (tmp_path / "overlays").iterdir()) == ["a_b_x_y.png", "a_b_z.png"]
    assert '"only": null' in (tmp_path / "metrics_summary.json").read_text()
    assert "Which experts are used" not in (tmp_path / "report.html").read_text()
    assert not Path(evaluation.kept).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "metrics.csv", "metrics_summary.json", "overlays", "report.html"
    ]  # fmt: skip


def test_a_second_run_begins_anew(tmp_path):
    handler = EvaluationHandler(Counting(), tmp_path)
    run(handler, ["a", "b"])
    run(handler, ["c"])
    assert (tmp_path / "metrics.csv").read_text() == "id,patient,dice\nc,,0.123457\n"


def test_how_it_was_made_stands_beside_what_was_found(tmp_path):
    (tmp_path / "last.pt").write_bytes(b"weights")
    write_history(tmp_path / "history.csv", [{"epoch": 1, "step": 2, "supervised/mask": 1.0}])
    evaluation, out = Counting(), tmp_path / "out"
    run(
        EvaluationHandler(evaluation, out, tmp_path / "last.pt", tmp_path / "history.csv", config={"a": 1}, seed=3),
        ["a"],
    )
    summary = json.loads((out / "metrics_summary.json").read_text())
    assert summary["checkpoint"] == str(tmp_path / "last.pt")
    assert summary["checkpoint_sha256"] == sha256(tmp_path / "last.pt")
    assert (summary["seed"], evaluation.seed, summary["config"]) == (3, 3, {"a": 1})
    # of a training: an evaluation has none, and is written once it is over
    assert not {"identity", "ended"} & set(summary)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<h2>Training</h2>" in page
    assert summary["checkpoint_sha256"] in page


@pytest.mark.parametrize("there", [False, True])
def test_a_checkpoint_that_is_not_there_is_not_named(tmp_path, there):
    if there:
        (tmp_path / "last.pt").write_bytes(b"weights")
    run(EvaluationHandler(Counting(), tmp_path / "out", tmp_path / "last.pt"), ["a"])
    summary = json.loads((tmp_path / "out" / "metrics_summary.json").read_text())
    assert ("checkpoint" in summary) == ("checkpoint_sha256" in summary) == there
    assert "<h2>Training</h2>" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_where_nothing_was_scored_nothing_is_written(tmp_path):
    handler = EvaluationHandler(Counting(), tmp_path / "out")
    evaluator = Engine(lambda engine, name: None)
    handler.attach(evaluator)
    evaluator.fire_event(Events.STARTED)
    evaluator.fire_event(Events.COMPLETED)
    assert not (tmp_path / "out").exists()
