import dataclasses
import inspect
import json
import re
import signal
import subprocess
import sys
import time

import pytest

from custom import __main__ as command_line
from custom.data import datalist
from custom.recipes import RECIPES


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `python -m custom WORDS` in this process; its status, stdout and stderr."""
    before = signal.getsignal(signal.SIGTERM)

    def run_words(*words):
        monkeypatch.setattr(sys, "argv", ["custom", *map(str, words)])
        status = command_line.main()
        return (status, *capsys.readouterr())

    yield run_words
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def draws(monkeypatch):
    """Let another function draw glands."""

    def replace(draw):
        monkeypatch.setitem(RECIPES, "gland", dataclasses.replace(RECIPES["gland"], draw=draw))

    return replace


def test_prepare(run, folder_source, tmp_path):
    (tmp_path / "10#x").write_text(json.dumps({"20%": {"labelled": ["images_0", "images_1"]}}))
    output = tmp_path / "10"
    split = f"{tmp_path / '10#x'}#20%"
    status, out, err = run("prepare", "folder", "--source", folder_source, f"--output={output}", "--mpp", "0.62",
                           "--split", split)  # fmt: skip
    assert (status, err) == (0, "")
    assert "training      2 images" in out
    head = datalist.read(output).head
    words = f"prepare folder --source {folder_source} --output {output} --split '{split}' --seed 0 --mpp 0.62"
    assert head["command"] == f"python -m custom {words}"


def test_words_that_look_like_python_stay_words(run, folder_source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("10", "1e3", "None", "True", "[a]", "x#y"):
        assert run("prepare", "folder", "--source", folder_source, "--output", name, "--mpp", "1")[0] == 0
        assert datalist.read(tmp_path / name).head["mpp"] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["prepar"], "unknown command 'prepar'; did you mean prepare?\n"),
        (["prepar", "--help"], "unknown command 'prepar'; did you mean prepare?\n"),
        (["train"], "unknown command 'train', wanted prepare or synthesise; see python -m custom --help"),
        (["--mpp", "1"], "unknown command '--mpp', wanted prepare or synthesise"),
        (["prepare"], "missing NAME (glas, crag, flare22, amos22, atlas23, btcv, acdc, hippocampus, folder), --source"),
        (["prepare", "glas", "--source", "x"], "prepare: missing --output; for example"),
        (["synthesise"], "synthesise: missing --output; for example python -m custom synthesise --output my_glands;"),
        (["prepare", "folder", "--mp", "3"], "unknown option --mp; did you mean --mpp?\n"),
        (["prepare", "glas", "--sorce=x", "--output", "y"], "unknown option --sorce; did you mean --source?\n"),
        (["prepare", "glas", "--source", "x", "--output", "y", "--labeled", "3"], "; did you mean --labelled?\n"),
        (["prepare", "glas", "--source", "x", "--zzz"], "unknown option --zzz; see python -m custom prepare --help"),
        (["prepare", "glas", "--source", "x", "--output", "y", "z"], "found the argument 'z', wanted --name value"),
        (["prepare", "glas", "--source", "x", "--source=y"], "--source is given twice, only the last would count: giv"),
        (["prepare", "glas", "-s", "x", "-o", "y"], "'-s' is ambiguous"),
        (["prepare", "glas", "--source", "x", "--output", "y", "--patients", "z"], "--patients: found it with glas"),
        (["prepare", "glas", "--source", "x", "--output", "y"], "x: not found"),
        (["prepare", "glas", "--source", "x", "--output", "y", "--seed", "1.5"], "--seed: found '1.5', wanted a whole"),
        (["prepare", "glas", "--source", "x", "--output", "y", "--validation", "some"], "--validation: found 'some'"),
        (["prepare", "glas", "--source", "x", "--output", "y", "--mpp"], "--mpp: found nothing, wanted a value"),
        (["prepare", "btvc", "--source", "x", "--output", "y"], "hippocampus, folder; did you mean btcv?\n"),
        (["prepare", "btcv", "--source", "x", "--output", "y"], "x: not found, wanted a directory or a zip"),
        (
            ["prepare", "btcv", "--source", "x", "--output", "y", "--mpp", "1"],
            "--mpp: is not for the organ recipe, wan",
        ),
        (
            ["prepare", "btcv", "--source", "x", "--output", "y", "--labelled", "3"],
            "--labelled: is not for the organ recipe",
        ),
        (["prepare", "btcv", "--source", "x", "--output", "y", "--data_set", "z"], "--data_set: found it with btcv, w"),
        (
            ["prepare", "glas", "--source", "x", "--output", "y", "--test", "0.2"],
            "--test: is not for the gland recipe, wanted",
        ),
        (["prepare", "folder", "--source", "x", "--output", "y", "--data_set", "z.json"], "z.json: cannot be read (No"),
        (["prepare", "folder", "--source", "x", "--output", "y"], "at 40x; volumes need --data_set instead\n"),
        (["prepare", "btcv", "--source", "x", "--output", "y", "--test", "some"], "--test: found 'some', wanted a num"),
        (["prepare", "btcv", "--source", "x", "--output", "y", "--tets", "0.2"], "unknown option --tets; did you mean"),
        (["synthesise", "--output", "y", "--recipe", "kidney"], "--recipe: found 'kidney', wanted gland or organ"),
        (["synthesise", "--output", "y", "--recipe", "organ", "--number", "3"], "--number: found 3, wanted at le"),
        (["synthesise", "--output", "y", "--number", "few"], "--number: found 'few'"),
    ],
)
def test_wrong_words_are_one_line_and_status_2(run, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert message in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("verb", "defaults"), [("prepare", ["'all'", "'0'"]), ("synthesise", ["'24'", "'gland'"])])
def test_help_shows_the_defaults(run, verb, defaults):
    status, out, err = run(verb, "--help")
    assert (status, err) == (0, "")
    for default in defaults:
        assert f"Default: {default}" in out


def test_help_is_whole(run):
    # Fire takes some words with a colon for an argument's name and drops what follows.
    out = " ".join(run("prepare", "--help")[1].split())
    for option in ("name", "patients", "split", "data_set"):
        documented = inspect.cleandoc(command_line.prepare.__doc__)
        [text] = re.findall(rf"^ {{4}}{option}: (.*?)(?=^ {{4}}\w+: |\Z)", documented, re.MULTILINE | re.DOTALL)
        assert " ".join(text.split()) in out


@pytest.mark.parametrize("verb", ["prepare", "synthesise"])
def test_help_is_the_same_wherever_it_is_asked_for(run, verb):
    want = run(verb, "--help")
    for words in (["-h"], ["folder", "--help"], ["--source", "x", "--help", "--nosuch"], ["--", "--help"]):
        assert run(verb, *words) == want


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["--help", "prepare"]])
def test_the_commands_are_named_on_half_a_screen(run, words):
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    assert out.count("\n") <= 20
    for verb in command_line.COMMANDS:
        assert f"     {verb}\n" in out


def test_a_letter_stands_for_the_one_option_that_begins_with_it(run, folder_source, tmp_path):
    status, _, err = run("prepare", "folder", "--source", folder_source, "-o", tmp_path / "data", "-m=1")
    assert (status, err) == (0, "")
    assert datalist.read(tmp_path / "data").head["mpp"] == 1


def test_the_examples_are_whole(run, draws, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draws(lambda *_: None)
    assert run(*command_line.EXAMPLES["synthesise"].split())[0] == 0
    assert run(*command_line.EXAMPLES["prepare"].split()) == (
        2,
        "",
        "error: my_glands: not found, wanted a directory or a zip\n",
    )


def test_patients(run, folder_source, tmp_path):
    ids = [f"images_{index}" for index in range(8)]
    ids += [f"unlabelled_unlabelled_{index}" for index in range(4)] + ["test_test_0", "test_test_1"]
    table = tmp_path / "patients.csv"
    table.write_text("id,patient\n" + "".join(f"{name},p{index // 2}\n" for index, name in enumerate(ids)))
    words = ("--source", folder_source, "--output", tmp_path / "data", "--mpp", "0.62", "--validation", "0.25")
    status, out, err = run("prepare", "folder", *words, "--patients", table)
    assert (status, err) == (0, "")
    # Eight images in pairs: a quarter is the pair of one patient.
    assert "validation    2 images,  1 patients" in out
    assert f"--patients {table}" in datalist.read(tmp_path / "data").head["command"]


def test_volumes(run, tmp_path):
    source, output = tmp_path / "volumes" / "synthetic_mr", tmp_path / "data"
    words = ("--recipe", "organ", "--output", tmp_path / "volumes", "--number", "4")
    assert run("synthesise", *words) == (0, "", "")
    words = ("folder", "--source", source, "--output", output, "--test", "0.5", "--data_set", source / "data_set.json")
    status, out, err = run("prepare", *words)
    assert (status, err) == (0, "")
    assert "test          2 volumes,   1 patients: mr 2" in out
    rest = f"--validation 0 --test 0.5 --seed 0 --data_set {source / 'data_set.json'}"
    command = f"python -m custom prepare folder --source {source} --output {output} {rest}"
    assert datalist.read(output).head["command"] == command


def test_synthesise(run, draws, tmp_path):
    seen = []
    draws(lambda *arguments: seen.append(arguments))
    assert run("synthesise", "--recipe", "gland", "--output", tmp_path / "s", "--number", "3")[0] == 0
    assert seen == [(tmp_path / "s", 3, 0)]


def test_interrupted(run, draws, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    draws(interrupt)
    assert run("synthesise", "--output", tmp_path / "s") == (130, "", "interrupted\n")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_behind(tmp_path, number, status):
    words = ["synthesise", "--output", str(tmp_path / "s"), "--number", "5000"]
    process = subprocess.Popen([sys.executable, "-m", "custom", *words], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".s.partial*/images/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == status
    assert list(tmp_path.iterdir()) == []
