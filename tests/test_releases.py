"""What earlier releases left is read on: their weights load, and their runs go on.

Each fixture is a run as a release left it after its first epoch, with the data that it was trained on; large tensors
hold their mean alone, so that the archive is small.
"""

import csv
import json
import tarfile
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow

from custom.networks import M4oE, SemiMoE, SharedEncoder, weights
from custom.recipes import RECIPES

ARCHIVES = sorted((Path(__file__).parent / "fixtures").glob("*.tar.xz"))
QUICK = {"max_epochs": 2, "steps_per_epoch": 1, "batch_size": 2}
SMALL = json.loads((Path(__file__).parent / "fixtures" / "small.json").read_text())


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def left(request, tmp_path):
    """A run that a release left: the recipe's name, and the folder that holds `run/` and the data."""
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return request.param.name.removesuffix(".tar.xz").split("_")[1], tmp_path


def test_its_weights_load(left):
    name, folder = left
    checkpoint = weights.read(folder / "run" / "last.pt", name)
    if name == "gland":
        features = {key: value for key, value in checkpoint["network"]["features"].items() if key != "type"}
        rest = {key: value for key, value in checkpoint["network"].items() if key != "features"}
        network = SemiMoE(SharedEncoder(pretrained=False, **features), **rest)
    else:
        network = M4oE(**checkpoint["network"])
    assert weights.put(checkpoint, network) == checkpoint["facts"]
    assert all(torch.equal(value, checkpoint["model"][key]) for key, value in network.state_dict().items())


def flow_of(name, folder, **more):
    data = {"dataset_dir": str(folder / "data")}
    if name == "organ":
        data = {"dataset_dirs": [str(folder / one) for one in ("synthetic_ct", "synthetic_mr")]}
    options = {**QUICK, **SMALL[name], **data, "output_dir": str(folder / "run"), **more}
    return ConfigWorkflow(str(RECIPES[name].config("train")), logging_file=False, workflow_type="train", **options)


def test_its_run_goes_on(left):
    name, folder = left
    flow = flow_of(name, folder)
    flow.initialize()
    flow.run()
    flow.finalize()
    with open(folder / "run" / "history.csv") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    record = json.loads((folder / "run" / "run.json").read_text())
    assert len(record["restarts"]) == 1
    assert torch.load(folder / "run" / "checkpoint.pt", weights_only=True)["epoch"] == 2


def test_another_seed_is_another_run_still(left):
    name, folder = left
    with pytest.raises(Exception) as caught:  # noqa: PT011 - MONAI's own wraps it
        flow_of(name, folder, seed=7).initialize()
    error = caught.value
    while error.__cause__ is not None:
        error = error.__cause__
    assert "found a run with seed 0, wanted seed 7" in str(error)
