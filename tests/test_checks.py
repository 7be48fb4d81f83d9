import json
import signal
import subprocess
import sys
import time
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
        (["--dataset_dir", "2024"], "--dataset_dir: found 2024, wanted text: quote it twice, '\"2024\"'"),
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
    hook, handler = sys.excepthook, signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(sys, "argv", argv)
    checks.overrides()
    if "pytest" in argv[0]:
        checks.one_line_errors()
    assert (sys.excepthook, signal.getsignal(signal.SIGTERM)) == (hook, handler)


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


def test_names_that_are_near():
    names = ["mpp", "patients", "split", "**"]
    assert checks.did_you_mean("mp", names, "--") == "; did you mean --mpp?"
    assert checks.did_you_mean("patient", names) == "; did you mean patients?"
    assert checks.did_you_mean("zzz", names) == ""


# ------------------------------------------------------------------------------------------------ how a command ends


def run_script(tmp_path, body, stop=None):
    """A process that looks like MONAI's command without its start; `stop` is sent to it once it has printed a line."""
    script = tmp_path / "monai" / "bundle" / "__main__.py"
    script.parent.mkdir(parents=True)
    script.write_text(f"from custom import checks\nchecks.one_line_errors()\n{body}\n")
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    if stop:
        process.stdout.readline()
        process.send_signal(stop)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


WRAPPED = """
try:
    try:
        raise checks.RequestError("a.png: found nothing, wanted an image")
    except checks.RequestError as error:
        raise RuntimeError("Failed to evaluate") from error
except RuntimeError:
    {again}
"""


@pytest.mark.parametrize("again", ["raise", "raise KeyError('during handling')", "1 / 0"])
def test_a_request_error_however_deep_is_one_line_and_status_2(tmp_path, again):
    assert run_script(tmp_path, WRAPPED.format(again=again)) == (
        2,
        "",
        "error: a.png: found nothing, wanted an image\n",
    )


def test_a_request_error_that_a_worker_process_handed_over_as_text(tmp_path):
    body = (
        "raise RuntimeError('Caught in worker 0.\\nTraceback:\\n  x\\ncustom.checks.RequestError: a.png is broken\\n')"
    )
    assert run_script(tmp_path, body) == (2, "", "error: a.png is broken\n")


def test_other_errors_keep_their_traceback(tmp_path):
    status, _, err = run_script(tmp_path, "raise KeyError('x')")
    assert status == 1
    assert err.startswith("Traceback")
    assert err.endswith("KeyError: 'x'\n")


@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_being_stopped(tmp_path, stop, status):
    body = """
import time
try:
    print("ready", flush=True)
    time.sleep(30)
finally:
    print("cleaned up")
"""
    begin = time.monotonic()
    got, out, err = run_script(tmp_path, body, stop)
    assert (got, out) == (status, "cleaned up\n")
    assert "Traceback" not in err
    assert time.monotonic() - begin < 20


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


# ------------------------------------------------------------------------------------------------ directories, images


def test_directory(tmp_path):
    assert checks.directory(tmp_path) == tmp_path
    with pytest.raises(RequestError, match=r"nosuch: found nothing, wanted a directory$"):
        checks.directory(tmp_path / "nosuch")
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match=r"file: found a file, wanted a directory$"):
        checks.directory(tmp_path / "file")


def test_output_dir(tmp_path):
    made = checks.output_dir(tmp_path / "a" / "b")
    assert made.is_dir()
    assert list(made.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match=r"file/below: found Not a directory, wanted a directory that can"):
        checks.output_dir(tmp_path / "file" / "below")


def test_a_batch_that_failed_in_part_ends_with_status_one(monkeypatch):
    monkeypatch.setattr("sys.argv", ["somewhere/monai/bundle/__main__.py", "run"])
    checks.partial([])
    with pytest.raises(SystemExit) as ended:
        checks.partial(["a.png"])
    assert ended.value.code == 1


def test_a_server_is_never_ended(monkeypatch):
    monkeypatch.setattr("sys.argv", ["monailabel", "start_server"])
    checks.partial(["a.png"])
    assert checks.merged_config() == {}


def test_the_merged_config_holds_the_files_and_the_options(monkeypatch, tmp_path):
    (tmp_path / "a.json").write_text('{"seed": 0, "epochs": 3, "run": []}')
    (tmp_path / "b.json").write_text('{"seed": 1}')
    files = f"['{tmp_path / 'a.json'}','{tmp_path / 'b.json'}']"
    arguments = ["run", "--config_file", files, "--epochs", "7"]
    monkeypatch.setattr("sys.argv", ["somewhere/monai/bundle/__main__.py", *arguments])
    merged = checks.merged_config()
    assert (merged["seed"], merged["epochs"]) == (1, 7)
