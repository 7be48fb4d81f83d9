"""Configs that Python runs, without a command line."""

import json
import shutil
from pathlib import Path

import monai.bundle
import pytest
import torch
from monai.bundle import ConfigWorkflow

from custom import checks
from custom.checks import RequestError
from custom.checks.running import check_load, running_parser
from custom.place import bundle_root
from custom.recipes import RECIPES


def reason(error):
    """What a RequestError says, however deep in MONAI's own errors."""
    while error is not None and not isinstance(error, RequestError):
        error = error.__cause__
    return str(error)


def refused(call):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        call()
    return reason(caught.value)


@pytest.fixture
def workflow(repository, tmp_path):
    """Makes a workflow of one of the shipped configs; nothing may be written to its output_dir."""
    where = {"output_dir": str(tmp_path / "run"), "logging_file": False}

    def make(name, **overrides):
        return ConfigWorkflow(str(repository / "bundle" / "configs" / f"{name}.json"), **{**where, **overrides})

    yield make
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "overrides", "line"),
    [
        ("train", {"epohcs": 1}, "unknown option --epohcs; did you mean --max_epochs"),
        ("train", {"pretaind": False}, "unknown option --pretaind; did you mean --pretrained"),
        ("train", {"scale_rage": [0.5, 1.0]}, "unknown option --scale_rage; did you mean --scale_range"),
        ("train", {"batch_size": 0}, "--batch_size: found 0, wanted a whole number from 1"),
        ("train", {"dataset_dir": Path("x")}, "--dataset_dir: found PosixPath('x'), wanted text"),
        ("train", {"output_dir": "out#2"}, "--output_dir: found 'out::2', wanted a path without #"),
        ("train_organ", {"dataset_dir_s": ["x"]}, "unknown option --dataset_dir_s; did you mean --dataset_dirs"),
        ("train_organ", {"dataset_dirs": "x"}, "--dataset_dirs: found 'x', wanted a list of paths"),
        ("inference_organ", {"tolerance_mm": {"btcv": 2.0}}, "unknown option --tolerance_mm"),
        ("inference", {"mpp": 250}, "--mpp: found 250, wanted a number from 0.05 to 20"),
        ("inference", {"output_dir": ""}, "--output_dir: found nothing, wanted a path"),
    ],
)
def test_overrides_from_python_are_checked_too(workflow, name, overrides, line):
    assert line in refused(workflow(name, **overrides).initialize)


def test_so_are_those_of_monais_own_function(repository, tmp_path):
    config = str(repository / "bundle" / "configs" / "train.json")
    call = {"config_file": config, "output_dir": str(tmp_path / "run"), "logging_file": False}
    assert "unknown option --epohcs" in refused(lambda: monai.bundle.run("training", epohcs=1, **call))
    assert not (tmp_path / "run").exists()


def test_a_file_of_a_users_own_is_checked_too(repository, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"max_epohcs": 1}))
    files = [str(repository / "bundle" / "configs" / "train.json"), str(tmp_path / "mine.json")]
    assert "unknown option --max_epohcs" in refused(ConfigWorkflow(files, logging_file=False).initialize)
    # a new name with an effect is none of a misspelling, nor is what another name stands for
    (tmp_path / "mine.json").write_text(json.dumps({"quick": 1, "max_epochs": "@quick", "notes": "$'mine'"}))
    workflow = ConfigWorkflow(files, logging_file=False, init_id="door")
    workflow.initialize()


def test_nothing_is_known_where_no_config_is_run():
    assert running_parser() is None
    assert checks.config_dir() is None
    check_load()


def test_monais_load_gives_the_trained_network_and_writes_nothing(repository):
    folder = repository / "bundle"
    before = sorted(folder.rglob("*"))
    network = monai.bundle.load(
        "bundle", bundle_dir=str(repository), workflow_type="inference", key_in_ckpt="model", device="cpu"
    )
    trained = torch.load(folder / "models" / "model.pt", weights_only=True)["model"]
    assert all(torch.equal(value, trained[name]) for name, value in network.state_dict().items())
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("asked", [{}, {"workflow_type": "inference"}, {"key_in_ckpt": "model"}])
def test_monais_load_is_refused_where_it_would_give_an_untrained_network(repository, asked):
    said = refused(lambda: monai.bundle.load("bundle", bundle_dir=str(repository), device="cpu", **asked))
    assert said.startswith("monai.bundle.load: found ")
    assert said.endswith("wanted workflow_type='inference', key_in_ckpt='model' to get trained weights")


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_bundle_is_that_of_the_config_which_is_run(recipe, tmp_path, monkeypatch):
    copy = tmp_path / "my_bundle"
    shutil.copytree(recipe.config("inference").parent, copy / "configs")
    name = recipe.config("inference").name
    monkeypatch.chdir(copy)
    for file in (str(copy / "configs" / name), f"configs/{name}", f"./configs/{name}"):
        workflow = ConfigWorkflow(file, logging_file=False, init_id="nothing")
        workflow.initialize()
        assert workflow.bundle_root == str(copy)
        assert workflow.parser.get_parsed_content("ckpt_path") == str(copy / "models" / recipe.weights.name)
    # a config that lies in no bundle, such as a copy of one file
    shutil.copy(copy / "configs" / name, tmp_path / "alone.json")
    workflow = ConfigWorkflow(str(tmp_path / "alone.json"), logging_file=False, init_id="nothing")
    workflow.initialize()
    assert workflow.bundle_root == bundle_root() == str(recipe.config("inference").parent.parent)
