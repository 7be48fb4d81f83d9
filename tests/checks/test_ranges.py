import json
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monai.bundle import ConfigParser

from custom import checks
from custom.checks import RequestError
from custom.checks.ranges import check_range, wanted
from custom.recipes import RECIPES

TORCH = "torch"


def refused(value, allowed, typed=None, described=""):
    with pytest.raises(RequestError) as caught:
        check_range("size", value, allowed, typed, described)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("allowed", "inside", "outside"),
    [
        ("whole 1..4", [1, 4], [0, 5, 1.0, 2.5, True, None, "2", [2], float("nan")]),
        ("whole 1..", [1, 10**9], [0, float("inf")]),
        ("number 0.05..20", [0.05, 20, 1], [0, 20.1, -1, "0.5", (0, 5), True, float("nan"), float("inf")]),
        ("number 0..", [0, 1e9], [-1e-9, float("inf")]),
        ("2 numbers 0.1..10", [[0.5, 2], (1, 1)], [[0.5], [2, 0.5], [0, 1], [1, 2, 3], 1, ["1", 2], [True, 2]]),
        ("numbers by name 0..9", [{"a": 1, "b": 9}], [{}, {"a": 10}, {"a": "1"}, 3]),
        ("number 0..9 | numbers by name 0..9", [3, {"a": 1}], [{"a": -1}, -1]),
        ("true | false", [True, False], [1, 0, "True", None]),
        ("1 | 2 | 8", [1, 8], [4, True, "1"]),
        ("none | agreement", ["none"], ["agreemnt", None, ""]),
        ("null | soft", [None, "soft"], ["null", ""]),
        ("text", ["a", "a b"], ["", " ", 3, None, ["a"]]),
        ("text | texts | empty", ["a", "", ["a", "b"]], [3, [], ["a", 3], [""]]),
        ("path", ["a", "/a/b c", "C:x"], ["", " ", 3, None, True, ["a"], "~/x", "a#b", "a::b", "@x"]),
        ("path | empty", ["", "a"], [" ", 3]),
        ("paths", [["a", "b"]], [[], "a", ("a", "b"), ["a", 3], ["a#b"], [""]]),
        ("path | paths", ["a", ["a", "b"]], ["", ["a", ""]]),
    ],
)
def test_what_fits_a_range_and_what_does_not(allowed, inside, outside):
    for value in inside:
        check_range("size", value, allowed)
    for value in outside:
        assert refused(value, allowed).startswith("--size: found ")


def test_the_range_in_words():
    assert wanted("whole 1..4") == "a whole number from 1 to 4"
    assert wanted("whole 1..") == "a whole number of at least 1"
    assert wanted("none | confidence | agreement") == "none, confidence or agreement"
    assert wanted("2 numbers 0.1..10") == "2 rising numbers from 0.1 to 10"


def test_the_value_is_shown_as_it_was_typed_with_its_meaning():
    line = refused((0, 5), "number 0.05..20", "0,5", "size of a pixel, in µm; default: the list's")
    assert line == (
        "--size: found '0,5' with a decimal comma, wanted a number from 0.05 to 20 (size of a pixel, in µm)"
    )
    assert refused(True, "whole 1..9", "") == "--size: found nothing, wanted a whole number from 1 to 9"
    # Python's comment, as Fire takes it
    assert "found '2#3', wanted it without #" in refused(2, "whole 1..9", "2#3")
    assert refused(3, "text", "3") == "--size: found '3', wanted text: quote it twice, '\"3\"'"


@given(st.integers() | st.floats() | st.booleans() | st.text() | st.none())
def test_whole_numbers_are_what_python_counts_with(value):
    fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 9
    if fits:
        check_range("size", value, "whole 1..9")
    else:
        refused(value, "whole 1..9")


def devices(monkeypatch, gpus):
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)


def test_a_device_is_one_that_there_is(monkeypatch):
    devices(monkeypatch, 0)
    check_range("device", "cpu", "device")
    check_range("device", sys.modules[TORCH].device("cpu"), "device")
    for value in ("cuda", "cuda:0", "gpu", 0, None, "", "meta"):
        with pytest.raises(RequestError, match=r"wanted cpu, since PyTorch finds no GPU here"):
            check_range("device", value, "device")
    devices(monkeypatch, 2)
    for value in ("cpu", "cuda", "cuda:0", "cuda:1", sys.modules[TORCH].device("cuda:1")):
        check_range("device", value, "device")
    with pytest.raises(RequestError, match="found 'cuda:2', wanted cpu or cuda or cuda:0 or cuda:1"):
        check_range("device", "cuda:2", "device")


def every_config(repository):
    """The configs as they are run: alone, or a variant or an evaluation after its recipe's training."""
    folder = repository / "bundle" / "configs"
    suffixes = sorted((recipe.suffix for recipe in RECIPES.values()), key=len, reverse=True)
    for path in sorted(folder.glob("*.json")):
        suffix = next(suffix for suffix in suffixes if path.stem.endswith(suffix))
        whole = path.stem in {f"train{suffix}", f"inference{suffix}"}
        after = ["train", "train_organ"] if path.stem == "multi_gpu_train" else [f"train{suffix}"]
        for base in after if not path.stem.startswith("metadata") else []:
            yield [str(path)] if whole else [str(folder / f"{base}.json"), str(path)]


def test_every_setting_that_is_explained_has_a_range(repository):
    for files in every_config(repository):
        config = ConfigParser.load_config_files(files)
        variants = {path.stem for path in (repository / "bundle" / "configs").glob("*.json")}
        assert config["_desc_"].keys() - variants == config["_range_"].keys(), files


def outside(allowed):
    """Words on a command line that are in none of a range's alternatives."""
    words = {"", "None", "nosuch, neither"}
    for one in allowed.split(" | "):
        kind, _, bounds = one.rpartition(" ")
        if kind in ("whole", "number"):
            low, high = bounds.split("..")
            words |= {str(float(low) - 1), str(float(high) * 2 + 1), "nan", "True", "1_0x"}
            words |= {"1.5", str(int(low) - 1), str(int(high) + 1)} if kind == "whole" else set()
    if "path" in allowed.split(" | "):
        words = {"1_000", "a#b", "a,b", "~/a", "@nosuch", "(a)", "None", *(() if "empty" in allowed else ("",))}
    return (
        words - ({"", "nosuch, neither"} if "text" in allowed else set()) - ({"None"} if "null" in allowed else set())
    )


def said():
    """What the door says; nothing where it takes the command line."""
    try:
        checks.overrides()
    except RequestError as error:
        return str(error)
    return ""


def test_every_config_takes_its_own_values_and_refuses_those_outside(repository, monkeypatch):
    for files in every_config(repository):
        config = ConfigParser.load_config_files(files)
        argv = ["/x/monai/bundle/__main__.py", "run", "--config_file", json.dumps(files)]
        # what a user has to give
        given = [] if config["dataset_dir"] else ["--dataset_dir", "here"]
        monkeypatch.setattr(sys, "argv", argv + given)
        checks.overrides()
        for name, allowed in config["_range_"].items():
            for word in outside(allowed):
                monkeypatch.setattr(sys, "argv", [*argv, *(given if name != "dataset_dir" else ()), f"--{name}={word}"])
                assert re.fullmatch(rf"--{name}: found .+", said()), (files, name, word)
