"""How much memory is free, and pictures that have no room in it."""

import resource

import numpy as np
import pytest
from PIL import Image

from custom.data import memory
from custom.data.tiles import inputs
from custom.inference import TileInferer


def test_there_is_some():
    assert 2**20 < memory.free_bytes() < 2**50


def test_a_limit_of_the_shell_counts(monkeypatch):
    monkeypatch.setattr(memory.resource, "getrlimit", lambda _: (1000, resource.RLIM_INFINITY))
    assert memory.free_bytes() == 0


def test_a_picture_that_is_too_large_is_named_and_the_others_are_taken(tmp_path, monkeypatch, caplog):
    for name, side in (("large", 400), ("small", 40)):
        Image.fromarray(np.full((side, side, 3), 9, np.uint8)).save(tmp_path / f"{name}.png")
    monkeypatch.setattr(inputs, "free_bytes", lambda: 10e6)
    inferer = TileInferer(network_mpp=1.0, mpp=1.0, views=8)
    # 350 bytes a pixel, measured: 56 MB and 0.56 MB.
    assert inferer.most_bytes(400, 400) == pytest.approx(56e6)
    found = inputs.readable(inputs.listing(tmp_path), 1.0, inferer.most_bytes)
    assert [item["image"] for item in found] == [str(tmp_path / "small.png")]
    assert "large.png: 400 x 400 pixels need about 0.1 GB of memory" in caplog.text
