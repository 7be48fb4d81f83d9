import json
from pathlib import Path

import pytest
from organ_controls import run
from organ_rows import ROWS


def test_what_is_run_are_commands_that_the_recipe_takes(tmp_path, volumes, commands, understood):
    run(",".join(volumes), str(tmp_path), seeds=0, epochs=2, first_phase=1, amp=False, crop_px=32)
    # a training and an evaluation each; two networks of their own; two rows with a first training
    assert len(commands) == 2 * len(ROWS) + 2 + 2
    for command in commands:
        understood(command)
    trained = {Path(option(words, "output_dir")).relative_to(tmp_path).as_posix() for words, _ in commands}
    assert {"token_seed0", "separate_seed0/synthetic_mr", "third_set_seed0/first", "third_set_seed0"} <= trained
    # options of the user reach trainings and evaluations
    assert {option(words, "crop_px") for words, _ in commands} == {"32"}


def option(words, name):
    return words[words.index(f"--{name}") + 1]


def test_the_first_phase_runs_under_the_default_run_id(tmp_path, volumes, commands):
    run(",".join(volumes), str(tmp_path), rows="pretrained_experts", epochs=4, first_phase=3)
    (phase, _), (second, _), (evaluation, _) = commands
    assert phase[:3] == ["run", "--config_file", "['configs/train_organ.json', 'configs/pretrain_organ.json']"]
    assert option(phase, "max_epochs") == "3"
    assert option(second, "max_epochs") == option(second, "val_interval") == "4"
    assert option(second, "init_path") == option(phase, "output_dir") + "/last.pt"
    assert option(evaluation, "ckpt_path") == option(second, "output_dir") + "/last.pt"
    assert option(evaluation, "test_section") == "test"
    assert "--run_id" not in phase + second + evaluation


@pytest.mark.parametrize("there", ["trained", "evaluated"])
def test_what_is_finished_is_passed_over(tmp_path, volumes, commands, there):
    folder = tmp_path / "token_seed0"
    (folder / "evaluation_test").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"ended": "2026-01-01"}))
    (folder / "seconds.txt").write_text("60\n")
    if there == "evaluated":
        (folder / "evaluation_test" / "metrics_summary.json").write_text("{}")
    run(",".join(volumes), str(tmp_path), rows="token")
    assert len(commands) == (0 if there == "evaluated" else 1)
