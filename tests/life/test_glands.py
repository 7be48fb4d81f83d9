"""The life of a run on tiles."""

import shutil

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from custom.commands import prepare
from tests.life.life import FEW, MANY, QUICK, Life, live

TILES = {"crop_px": 32, "unlabelled_batch_size": 1, "views": 1, "network_def#features#decoder_channels": [8, 8, 8, 8]}


class LifeOfGlands(Life):
    """A data set of tiles, which may grow: then a run on it has to begin anew."""

    @initialize()
    def begin(self):
        self.prepare("small")

    @rule(size=st.sampled_from(["small", "grown"]))
    def prepare(self, size):
        with self.only_in(self.data):
            where = {"source": str(self.source / size), "output": str(self.data)}
            prepare("folder", **where, mpp="0.62", validation="0.25")
        self.prepared = size

    def options(self, output, kind="train"):
        if kind == "inference":
            features = {"network_def#features#decoder_channels": [8, 8, 8, 8], "views": 1}
            return {
                **features,
                "dataset_dir": str(self.source / "small" / "test"),
                "ckpt_path": str(self.run / "last.pt"),
            }
        return {**QUICK, **TILES, "dataset_dir": str(self.data)}


@pytest.fixture(scope="module")
def tiles(folder_source, tmp_path_factory):
    """Two states of a user's own folder: four pairs and a test pair, and two more pairs later."""
    place = tmp_path_factory.mktemp("tiles")
    for size, number in (("small", 4), ("grown", 6)):
        for folder, count in (("images", number), ("masks", number), ("test/images", 1), ("test/masks", 1)):
            (place / size / folder).mkdir(parents=True)
            for path in sorted((folder_source / folder).iterdir())[:count]:
                shutil.copy(path, place / size / folder / path.name)
    return place


def test_a_whole_life_of_glands(born, tiles):
    life = born(LifeOfGlands, tiles)
    life.use_what_is_not_there()
    life.prepare("small")
    for moment in (("step", 1), ("step", 3), ("file", 2)):
        life.train_and_be_killed(moment)
    life.evaluate()
    life.train_to_the_end()
    life.train_with_another_seed()
    life.infer()
    life.prepare("grown")
    life.train_to_the_end()
    life.evaluate()
    life.teardown()


def test_glands_live_in_any_order(born, tiles):
    live(born, LifeOfGlands, tiles, **FEW)


@pytest.mark.slow
def test_glands_live_long(born, tiles):
    live(born, LifeOfGlands, tiles, **MANY)
