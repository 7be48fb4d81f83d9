"""The life of a run on volumes."""

import contextlib
import shutil

import pytest
import torch
from hypothesis.stateful import initialize, precondition, rule
from monai.bundle import ConfigWorkflow

from custom.commands import prepare
from custom.data.drawn import volumes as drawn_volumes
from custom.networks import M4oE, weights
from tests.life.life import FEW, MANY, MOMENTS, QUICK, Killed, Life, go, live, train

TINY = {"network_def#stem": "patch", "network_def#embed": 24, "network_def#depths": [1, 1]}
TINY |= {"network_def#heads": [2, 2], "crop_px": 32}


class LifeOfOrgans(Life):
    """A data set of volumes, and a second one that joins the trained network."""

    suffix = "_organ"

    @initialize()
    def begin(self):
        self.prepare()

    @rule()
    def prepare(self):
        self.prepare_one("synthetic_ct", self.data)
        self.prepared = "synthetic_ct"

    @precondition(lambda self: self.prepared and self.trained)
    @rule(moment=MOMENTS)
    def grow(self, moment):
        joining, grown = self.place / "joining", self.place / "grown"
        if not joining.exists():
            self.prepare_one("synthetic_mr", joining)
        shutil.rmtree(grown, ignore_errors=True)
        with self.only_in(grown), contextlib.suppress(Killed):
            train(self.growing(joining, grown), moment)
        with self.only_in(grown):
            train(self.growing(joining, grown))
        self.assert_knows_what_it_knew(grown)
        with self.only_in(grown / "evaluation_test"):
            go(self.flow("evaluate", grown, dataset_dirs=[str(self.data), str(joining)]))

    def assert_knows_what_it_knew(self, grown):
        old, new = (weights.read(run / "last.pt", "organ") for run in (self.run, grown))
        networks = [M4oE(**one["network"]).eval() for one in (old, new)]
        for one, network in zip((old, new), networks, strict=True):
            weights.put(one, network)
        image = torch.rand(1, 3, 32, 32)
        with torch.no_grad():
            assert torch.equal(networks[0](image, 0), networks[1](image, 0))

    def growing(self, joining, grown):
        names = ("train_organ", "add_modality_organ")
        files = [str(self.bundle / "configs" / f"{name}.json") for name in names]
        options = {**QUICK, "crop_px": 32, "dataset_dir": str(joining), "init_path": str(self.run / "last.pt")}
        del options["pretrained"]
        options |= {"output_dir": str(grown)}
        return ConfigWorkflow(files, logging_file=False, workflow_type="train", **options)

    def prepare_one(self, name, output):
        with self.only_in(output):
            where = {"source": str(self.source / name), "data_set": str(self.source / name / "data_set.json")}
            prepare("folder", **where, output=str(output), test="0.25", validation="0.25")

    def options(self, output, kind="train"):
        if kind == "inference":
            folder = self.source / "synthetic_ct" / "images"
            return {"task": "synthetic_ct", "dataset_dir": str(folder), "ckpt_path": str(self.run / "last.pt")}
        return {**QUICK, **(TINY if kind == "train" else {}), "dataset_dirs": [str(self.data)]}


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """CT and MR, six volumes each."""
    place = tmp_path_factory.mktemp("drawn") / "source"
    drawn_volumes.synthesise(place, number=6)
    return place


def test_a_whole_life_of_organs(born, volumes):
    life = born(LifeOfOrgans, volumes)
    life.use_what_is_not_there()
    life.prepare()
    for moment in (("file", 3), ("kept", 1), ("step", 4)):
        life.train_and_be_killed(moment)
    life.evaluate()
    life.train_to_the_end()
    life.grow(("file", 2))
    life.infer()
    life.lose_the_data()
    life.evaluate()
    life.teardown()


def test_organs_live_in_any_order(born, volumes):
    live(born, LifeOfOrgans, volumes, **FEW)


@pytest.mark.slow
def test_organs_live_long(born, volumes):
    live(born, LifeOfOrgans, volumes, **MANY)
