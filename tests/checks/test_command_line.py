import json
import subprocess
import sys
from importlib import import_module

import fire
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom import checks
from custom.checks import RequestError

CONFIG = {
    "initialize": ["$checks.one_line_errors()", "$checks.overrides()"],
    "imports": ["$import custom.checks as checks"],
    "max_epochs": 3,
    "learning_rate": 0.001,
    "amp": False,
    "noise": 0.1,
    "dataset_dir": "$'data'",
    "spare": {"_target_": "Compose", "transforms": []},
    "train": {
        "trainer": {"_target_": "SupervisedTrainer", "max_epochs": "@max_epochs"},
        "handlers": [{"_target_": "StatsHandler", "name": "train_loss"}],
        "adam": {"_target_": "torch.optim.Adam", "lr": 0.1},
        "free": {"_target_": "dict", "a": 1},
        "lost": {"_target_": "no.such.thing", "a": 1},
    },
    "training": ["$print('trained', @max_epochs)"],
    "run": "@training",
}


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "configs" / "train.json"
    path.parent.mkdir()
    path.write_text(json.dumps(CONFIG))
    return path


@pytest.fixture
def command(config, monkeypatch):
    """Runs the check as MONAI's command would with these words after `run`; in this process: a start takes 10 s."""
    import_module("monai.bundle")

    def check(*words, files=str(config), verb="run"):
        given_files = ["--config_file", files] if files else []
        monkeypatch.setattr(sys, "argv", ["/x/monai/bundle/__main__.py", verb, *words, *given_files])
        checks.overrides()

    return check


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["training"],
        ["--run_id", "training"],
        ["run", "initialize"],
        ["--max_epochs", "5", "--learning_rate=1", "--amp", "--dataset_dir", "here"],
        ["--max-epochs", "5"],
        ["--noamp"],  # Fire's word for --amp False
        ["--max_epochs", "$1 + 1"],
        ["--logging_file", "x.conf", "--meta_file", "m.json", "--workflow_type", "train"],
        ["--train#trainer#max_epochs", "1"],
        ["--train::trainer::max_epochs", "1"],
        ["--train#trainer#epoch_length", "1"],  # an argument of the class which the config leaves out
        ["--train#trainer#_disabled_", "True"],
        ["--train#handlers#0#name", "loss"],
        ["--train#free#anything", "1"],  # dict(**anything)
        ["--train#lost#anything", "1"],  # cannot be told
        ["--spare", "{'a': 1}", "--spare#a", "2"],
        ["--_meta_#version", "1"],
        ["--max_epochs", "1", "--", "--verbose"],
    ],
)
def test_what_exists_is_taken(command, words):
    command(*words)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--max_epoch", "5"], "unknown option --max_epoch; did you mean --max_epochs?"),
        (["--max_epoch=5"], "unknown option --max_epoch; did you mean --max_epochs?"),
        (["--max-epoch", "5"], "unknown option --max_epoch; did you mean --max_epochs?"),
        (["--logging_fil", "x"], "unknown option --logging_fil; did you mean --logging_file or --config_file?"),
        (["--zzz", "5"], "unknown option --zzz"),
        (["--noise"], "unknown option --ise"),  # as MONAI gets it: "no" is stripped where no value follows
        (
            ["--train#trainer#max_epohcs", "5"],
            "unknown option --train#trainer#max_epohcs; did you mean --train#trainer#max_epochs?",
        ),
        (["--train::adam::learn", "5"], "unknown option --train#adam#learn"),
        (["--train#trainers#x", "1"], "unknown option --train#trainers#x; did you mean --train#trainer or"),
        (["--train#handlers#1#name", "x"], "unknown option --train#handlers#1#name"),
        (["--max_epochs#x", "1"], "unknown option --max_epochs#x"),
        (["trainin"], "; did you mean training?"),
        (["--run_id", "nosuch"], "unknown run id 'nosuch' in "),
        (["--final_id", "nosuch"], "unknown run id 'nosuch' in "),
        (["--amp", "True", "--amp", "False"], "--amp is given twice, only the last would count: give it once"),
        (
            ["--config_file", "x.json"],
            "--config_file is given twice, only the last would count: give it once (files as",
        ),
        (["--max_epochs", "ten"], "--max_epochs: found 'ten', wanted a whole number"),
        (["--max_epochs", "1.5"], "--max_epochs: found 1.5, wanted a whole number"),
        (["--max_epochs"], "--max_epochs: found True, wanted a whole number"),
        (["--learning_rate", "fast"], "--learning_rate: found 'fast', wanted a number"),
        (["--amp", "yes"], "--amp: found 'yes', wanted True or False"),
        (["--dataset_dir", "2024"], "--dataset_dir: found '2024', wanted text: quote it twice, '\"2024\"'"),
        (["a", "b", "c", "d", "e", "f", "g", "h"], "found the argument 'h', wanted --name value"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest_name(command, words, line):
    with pytest.raises(RequestError) as caught:
        command(*words)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_overlays_add_names(command, config):
    overlay = config.with_name("overlay.json")
    overlay.write_text(json.dumps({"extra": 1, "train#trainer#amp": True, "+train": {"more": 1}}))
    files = f"['{config}','{overlay}']"
    command("--extra", "2", "--train#trainer#amp", "False", "--train#more", "2", files=files)
    with pytest.raises(RequestError, match="unknown option --extra"):
        command("--extra", "2")


def test_an_args_file_is_read_and_the_command_line_wins(command, config, tmp_path):
    args = tmp_path / "args.json"
    args.write_text(json.dumps({"config_file": str(config), "run_id": "training", "train#trainer#max_epohcs": 1}))
    with pytest.raises(RequestError, match="max_epohcs"):
        command("--args_file", str(args), files=None)
    args.write_text(json.dumps({"config_file": str(config), "run_id": "nosuch", "max_epochs": 1}))
    with pytest.raises(RequestError, match="unknown run id 'nosuch'"):
        command("--args_file", str(args), files=None)
    command("training", "--args_file", str(args), files=None)


def test_run_workflow_is_checked_too(command):
    command("--run_id", "training", verb="run_workflow")
    with pytest.raises(RequestError, match="--max_epoch;"):
        command("--max_epoch", "1", verb="run_workflow")


@pytest.mark.parametrize(
    "argv", [["/x/bin/pytest", "run", "--nosuch", "1"], ["/x/monai/bundle/__main__.py", "ckpt_export", "--nosuch", "1"]]
)
def test_other_commands_are_left_alone(monkeypatch, argv):
    monkeypatch.setattr(sys, "argv", argv)
    checks.overrides()
    assert checks.merged_config() == {}


NAME = st.from_regex(r"[a-m][a-z_]{1,7}", fullmatch=True)


@given(st.dictionaries(NAME, st.integers(-99, 99), max_size=5), st.booleans(), st.booleans())
def test_options_are_read_as_fire_reads_them(pairs, equals, colons):
    tokens = [
        token
        for name, value in pairs.items()
        for token in ([f"--{name}#{name}={value}"] if equals else [f"--{name}#{name}", str(value)])
    ]
    want = fire.Fire(lambda **options: {**options}, [*tokens, "--"], serialize=lambda result: "")
    shown = [token.replace("#", "::") for token in tokens] if colons else tokens
    assert checks.given_options(shown, []) == want


@pytest.mark.parametrize(
    ("words", "status", "out", "err"),
    [
        (["training", "--max_epochs", "7"], 0, "trained 7", ""),
        (["training", "--max_epoch", "7"], 2, "", "error: unknown option --max_epoch; did you mean --max_epochs?"),
    ],
)
def test_the_real_command(config, tmp_path, words, status, out, err):
    done = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", *words, "--config_file", str(config)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert out in done.stdout
    assert ("trained" in done.stdout) == (status == 0)
    assert (done.stderr.splitlines()[-1] if err else "") == err
    assert "Traceback" not in done.stderr


def test_the_merged_config_holds_the_files_and_the_options(monkeypatch, tmp_path):
    (tmp_path / "a.json").write_text('{"seed": 0, "epochs": 3, "run": []}')
    (tmp_path / "b.json").write_text('{"seed": 1}')
    files = f"['{tmp_path / 'a.json'}','{tmp_path / 'b.json'}']"
    arguments = ["run", "--config_file", files, "--epochs", "7"]
    monkeypatch.setattr("sys.argv", ["somewhere/monai/bundle/__main__.py", *arguments])
    merged = checks.merged_config()
    assert (merged["seed"], merged["epochs"]) == (1, 7)
