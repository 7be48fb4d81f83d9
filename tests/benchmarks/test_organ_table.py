import json

import pytest
from organ_table import table


@pytest.fixture
def printed(capsys, repository, rows):
    """Rows of the two tables of the runs that the docs show."""
    table(str(repository / "docs" / "runs" / "organ_controls"))
    scores, organs = capsys.readouterr().out.split("\n\n")
    return rows(scores), rows(organs)


def test_scores_are_those_of_the_docs(printed, repository, rows):
    text = (repository / "docs" / "results_organ.md").read_text(encoding="utf-8")
    section = text.split("\n## What each part earns\n")[1].split("\n## ")[0]
    scores, differences, _ = (rows(part) for part in section.split("\n\n") if part.startswith("| row"))
    head, *lines = printed[0]
    assert head[2:6] == ["btcv, 8 organs", "btcv, 13 organs", "acdc, 3 organs", "hippocampus, 2 organs"]
    assert scores[1:] == [[f"`{line[0]}`", *line[2:6], line[9]] for line in lines]
    assert differences[1:] == [[f"`{line[0]}`", *line[10:]] for line in lines[1:]]
    assert lines[0][10:] == ["-"] * 4


def test_organs_have_a_line_each(printed):
    head, *lines = printed[1]
    assert head[:3] == ["data set", "organ", "token"]
    assert len(lines) == 13 + 3 + 2
    # beside the means of the first table: over the three organs of ACDC
    heart = [float(line[2]) for line in lines if line[0] == "acdc"]
    assert sum(heart) / 3 == pytest.approx(0.789, abs=1e-3)


def test_other_runs_have_the_rows_that_were_kept_of_them(capsys, repository):
    runs = repository / "docs" / "runs" / "organ_norms"
    table(str(runs))
    scores = capsys.readouterr().out.split("\n\n")[0].splitlines()
    # its table was made with rows that there were at that commit only
    kept = (runs / "table.md").read_text().splitlines()
    assert len(scores) == 2 + 8
    assert set(scores) <= set(kept)


def run_of(folder, task, dice, seconds):
    """A run of one task with one organ; dice is volume to (patient, Dice)."""
    (folder / "evaluation_test").mkdir(parents=True)
    values = [value for _, value in dice.values()]
    scores = {"dice": {"mean": sum(values) / len(values), "low": 0.1, "high": 0.9}}
    scores |= {"hd95_mm": {"mean": 12.34, "low": None, "high": None}}
    found = {"organs": {"liver": {"scores": scores}}, "mean": {"organs": 1, "scores": scores}}
    (folder / "evaluation_test" / "metrics_summary.json").write_text(json.dumps({"tasks": {task: found}}))
    lines = ["task,id,patient,organ,dice"]
    lines += [f"{task},{name},{patient},liver,{value}" for name, (patient, value) in dice.items()]
    (folder / "evaluation_test" / "metrics.csv").write_text("\n".join(lines) + "\n")
    (folder / "seconds.txt").write_text(f"{seconds}\n")


def test_parts_are_merged_and_what_one_row_lacks_is_a_dash(tmp_path, capsys, rows):
    run_of(tmp_path / "token_seed0", "ct", {"a": ("1", 0.5), "b": ("2", 0.7)}, 60)
    run_of(tmp_path / "token_seed1", "ct", {"a": ("1", 0.7), "b": ("2", 0.9)}, 120)
    run_of(tmp_path / "separate_seed0" / "ct", "ct", {"a": ("1", 0.9), "b": ("2", 0.7)}, 60)
    run_of(tmp_path / "separate_seed0" / "mr", "mr", {"c": ("3", 0.4)}, 240)
    table(str(tmp_path))
    scores, organs = (rows(part) for part in capsys.readouterr().out.split("\n\n"))
    _, token, separate = scores
    # (0.6 + 0.8) / 2 over seeds; 1.5 minutes
    assert token == ["token", "2", "0.700 (0.100-0.900)", "-", "12.3", "-", "2", "-", "-"]
    # a: 0.9 - 0.6, b: 0.7 - 0.8; the parts took 5 minutes
    assert separate == [
        "separate", "1", "0.800 (0.100-0.900)", "0.400 (0.100-0.900)", "12.3", "12.3", "5",
        "+0.100 (-0.100 to +0.300)", "-",
    ]  # fmt: skip
    assert organs[1:] == [["ct", "liver", "0.700", "0.800"], ["mr", "liver", "-", "0.400"]]
