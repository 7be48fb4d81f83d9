import gland_controls
import numpy as np
import pytest
from gland_controls import ROWS, run, table


@pytest.mark.parametrize("runs", ["glas_20", "glas_10"])
def test_the_table_is_that_of_the_docs(runs, capsys, repository):
    table(str(repository / "docs" / "runs" / runs))
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == {"glas_20": 7, "glas_10": 5}[runs]
    assert printed in (repository / "docs" / "results_gland.md").read_text(encoding="utf-8")


def test_without_validation_images_the_other_scores_are_those_of_the_docs(capsys, repository, rows):
    table(str(repository / "docs" / "runs" / "glas_85"))
    printed = capsys.readouterr().out.replace("| nan |", "| - |")
    assert "| semi_moe | 1 | - | 0.936 |" in printed
    assert printed in (repository / "docs" / "results_gland.md").read_text(encoding="utf-8")


def run_of(folder, images, validation, seconds):
    """A run with one score a column: images is id to (patient, dice)."""
    evaluation = folder / "evaluation_testA"
    evaluation.mkdir(parents=True)
    (evaluation / "metrics_summary.json").write_text(
        '{"sections": {"testA": {"pooled": {"mdice": 0.9, "mjaccard": 0.8}}}}'
    )
    lines = ["id,patient,dice,object_f1,object_dice,object_hausdorff_px"]
    lines += [f"{name},{patient},{dice},{dice},{dice},40" for name, (patient, dice) in images.items()]
    (evaluation / "metrics.csv").write_text("\n".join(lines) + "\n")
    (folder / "history.csv").write_text(f"epoch,validation/dice\n1,0.1\n2,{validation}\n")
    (folder / "seconds.txt").write_text(f"{seconds}\n")


def test_means_ranges_and_differences(tmp_path, capsys, rows):
    run_of(tmp_path / "mean_teacher_seed0", {"a": ("1", 0.5), "b": ("2", 0.7)}, 0.8, 60)
    run_of(tmp_path / "mean_teacher_seed1", {"a": ("1", 0.7), "b": ("2", 0.9)}, 0.9, 180)
    run_of(tmp_path / "semi_moe_seed0", {"a": ("1", 0.9), "b": ("2", 0.7)}, 0.6, 240)
    run_of(tmp_path / "of_tomorrow_seed0", {"a": ("1", 0.7), "b": ("2", 0.7)}, 0.6, 240)
    table(str(tmp_path))
    head, teacher, moe = rows(capsys.readouterr().out)
    assert head[:4] == ["row", "seeds", "validation", "dice"]
    # (0.5 + 0.7) / 2 = 0.6 and 0.8; (60 + 180) / 2 seconds
    assert teacher[:4] == ["mean_teacher", "2", "0.850 (0.800-0.900)", "0.700 (0.600-0.800)"]
    assert teacher[-2:] == ["-; -; -", "2"]
    assert moe[:4] == ["semi_moe", "1", "0.600", "0.800"]
    assert moe[8] == "40.0"
    # a: 0.9 - 0.6, b: 0.7 - 0.8
    assert moe[-2].split("; ") == ["+0.100 (-0.100 to +0.300)"] * 3


def test_what_is_run_are_commands_that_the_recipe_takes(tmp_path, commands, understood):
    run(str(tmp_path / "data"), str(tmp_path / "runs"), seeds=(0, 1), epochs=2)
    # each row with two seeds, trained and evaluated
    assert len(commands) == 2 * 2 * len(ROWS)
    for command in commands:
        understood(command)
    words, _ = commands[4 * list(ROWS).index("supervised")]
    assert words[2] == "['configs/train.json', 'configs/supervised.json']"
    assert words[words.index("--max_epochs") + 1] == "2"
    assert {words[words.index("--seed") + 1] for words, _ in commands} == {"0", "1"}


def test_what_is_evaluated_is_passed_over(tmp_path, commands):
    run_of(tmp_path / "supervised_seed0", {"a": ("1", 0.5)}, 0.5, 60)
    run(str(tmp_path / "data"), str(tmp_path), rows="supervised,mean_teacher", seeds=0)
    assert len(commands) == 2
    assert not any("supervised" in words[2] for words, _ in commands)


def test_a_score_of_distance_has_no_range():
    images = {"dice": {"a": 0.5}, "object_hausdorff_px": {"a": 30.0, "b": 50.0}}
    runs = [gland_controls.Run(images, {"validation": np.nan}, {}, 1.0)] * 2
    assert gland_controls._cell(runs, "object_hausdorff_px") == "40.0"
    assert gland_controls._cell(runs, "dice") == "0.500 (0.500-0.500)"
