from pathlib import Path

import numpy as np
import pytest
from ignite.engine import Engine

from custom.report.evaluation_handler import EvaluationHandler, Findings, best_median_worst
from custom.report.page import Case


@pytest.mark.parametrize(
    ("values", "places"), [([0.5, 0.9, 0.1, 0.7], (1, 3, 2)), ([0.3], (0, 0, 0)), ([float("nan"), 0.2, 0.4], (0, 2, 1))]
)
def test_best_median_and_worst(values, places):
    assert tuple(best_median_worst(values).values()) == places
    assert list(best_median_worst(values)) == ["best", "median", "worst"]


class Report(EvaluationHandler):
    """Keeps a file an item, and sums up how many there are."""

    def begin(self):
        self.count = 0

    def score(self, item, kept_dir):
        (kept_dir / f"{self.count}.txt").write_text(item["id"])
        self.count += 1

    def findings(self, kept_dir):
        self.kept = kept_dir
        names = [path.read_text() for path in sorted(kept_dir.iterdir())]
        rows = [{"id": name, "patient": "", "dice": 0.123456789} for name in names]
        sections = {"s": {"images": len(rows), "patients": None, "scores": {"dice": {"mean": 0.5}}}}
        picture = np.zeros((4, 4, 3), np.uint8)
        cases = [Case("best", rows[0], None, picture, "a/b")]
        return Findings(rows, {"only": float("nan")}, sections, {"s": rows}, cases) if rows else None


def run(report, names):
    def step(engine, name):
        engine.state.batch = [{"id": name}]
        return [{}]

    evaluator = Engine(step)
    report.attach(evaluator)
    evaluator.run(names)


def test_what_was_found_is_written_and_nothing_else_stays(tmp_path):
    report = Report(tmp_path, config={"a": 1})
    run(report, ["x y", "z"])
    assert (tmp_path / "metrics.csv").read_text() == "id,patient,dice\nx y,,0.123457\nz,,0.123457\n"
    # what a file system does not take, or what would leave the folder, is replaced
    assert [path.name for path in (tmp_path / "overlays").iterdir()] == ["a_b_best_x_y.png"]
    assert '"only": null' in (tmp_path / "metrics_summary.json").read_text()
    assert "Which experts are used" not in (tmp_path / "report.html").read_text()
    assert not Path(report.kept).exists()


def test_a_second_run_begins_anew(tmp_path):
    report = Report(tmp_path)
    run(report, ["a", "b"])
    run(report, ["c"])
    assert (tmp_path / "metrics.csv").read_text() == "id,patient,dice\nc,,0.123457\n"
