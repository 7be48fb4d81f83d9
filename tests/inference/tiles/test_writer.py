import csv
import logging
import math

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from PIL import Image

from custom.checks import RequestError
from custom.inference.tiles.writer import TileWriter

HEIGHT, WIDTH = 60, 100


def _maps(boxes):
    """Certain maps of rectangular glands, (5, h, w); the distance is cut at 10 pixels of 0.5 µm."""
    gland = np.zeros((HEIGHT, WIDTH), dtype=bool)
    distance = np.full((HEIGHT, WIDTH), -1.0)
    for top, bottom, left, right in boxes:
        gland[top:bottom, left:right] = True
        rows, columns = np.mgrid[top:bottom, left:right]
        inside = np.minimum.reduce([rows - top, bottom - 1 - rows, columns - left, right - 1 - columns]) + 0.5
        distance[top:bottom, left:right] = np.clip(inside / 10, 0, 1)
    # sigmoid of a difference of 4 in logits: 0.982
    return np.stack([np.where(gland, -2, 2), np.where(gland, 2, -2), distance, gland * 0 + 3, gland * 0 - 3])


def _item(path, maps, transposed=True):
    """An item as the loader gives it: (c, w, h)."""
    image = torch.full((3, WIDTH, HEIGHT), 0.5)
    maps = torch.as_tensor(maps, dtype=torch.float32).transpose(1, 2)
    return {"image": MetaTensor(image, meta={"filename_or_obj": str(path)})}, {"maps": maps}


def _run(writer, items):
    def step(engine, batch):
        engine.state.batch = [batch[0]]
        return [batch[1]]

    evaluator = Engine(step)
    writer.attach(evaluator)
    evaluator.run(items)


def _read(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_without_a_distance_the_pieces_of_the_mask_are_glands(tmp_path):
    source = tmp_path / "tile.png"
    # The first two touch, and are one piece.
    _run(TileWriter([source], tmp_path / "out", 0.5, None, 0.0), [
        _item(source, _maps([(5, 25, 10, 30), (5, 25, 30, 50), (40, 55, 70, 90)]))
    ])  # fmt: skip
    assert _read(tmp_path / "out" / "tile_instances.png").max() == 2


def test_results_are_the_right_way_round(tmp_path):
    source = tmp_path / "in" / "a" / "tile.1.png"
    writer = TileWriter([source], tmp_path / "out", 0.5, 5.0, 200.0, input_dir=tmp_path / "in", probability=True)
    _run(writer, [_item(source, _maps([(5, 45, 60, 90), (30, 58, 4, 34)]))])
    folder = tmp_path / "out" / "a"
    assert sorted(p.name for p in folder.iterdir()) == [
        "tile.1_glands.geojson",
        *(f"tile.1_{k}.png" for k in ("instances", "mask", "overlay", "probability")),
    ]
    assert np.array_equal(_read(folder / "tile.1_mask.png") == 255, _read(folder / "tile.1_instances.png") > 0)
    ids = _read(folder / "tile.1_instances.png")
    assert (ids.shape, ids.dtype) == ((HEIGHT, WIDTH), np.uint16)
    assert (ids > 0).sum() == 40 * 30 + 28 * 30
    assert ids[10, 80] != ids[50, 10] != 0
    assert ids[50, 80] == ids[10, 10] == 0
    probability = _read(folder / "tile.1_probability.png")
    # 255 / (1 + exp(-4)) = 250.4
    assert (probability[10, 80], probability[10, 10]) == (250, 5)
    drawn = _read(folder / "tile.1_overlay.png")
    assert drawn.shape == (HEIGHT, WIDTH, 3)
    assert (drawn != 128).any(2)[5, 75]
    assert not (drawn != 128).any(2)[10, 10]


def test_table_measures_each_gland(tmp_path):
    source = tmp_path / "tile.png"
    writer = TileWriter([source], tmp_path / "out", 0.5, 5.0, 200.0)
    _run(writer, [_item(source, _maps([(5, 45, 60, 90)]))])
    with open(tmp_path / "out" / "glands.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["image"], row["id"]) == ("tile.png", "1")
    assert float(row["area_um2"]) == 40 * 30 * 0.25
    # columns 60..89 and rows 5..44
    assert (float(row["centroid_x_px"]), float(row["centroid_y_px"])) == (74.5, 24.5)
    # A path through the outer pixels' centres: 2 * (39 + 29) pixels of 0.5 µm.
    assert float(row["perimeter_um"]) == 68.0
    # Moments (n² - 1) / 12 of both sides, and scikit-image adds a pixel's own 1/12: sqrt(1 - 30² / 40²).
    assert float(row["eccentricity"]) == pytest.approx(math.sqrt(1 - 30**2 / 40**2), abs=1e-3)
    assert float(row["solidity"]) == 1.0
    assert float(row["mean_probability"]) == pytest.approx(1 / (1 + math.exp(-4)), abs=1e-4)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "glands.csv", "tile_glands.geojson", "tile_instances.png", "tile_mask.png", "tile_overlay.png"
    ]  # fmt: skip


def test_a_picture_that_fails_is_named_and_the_rest_is_done(tmp_path, caplog):
    sources = [tmp_path / f"{name}.png" for name in ("good", "broken", "unread")]
    writer = TileWriter(sources, tmp_path / "out", 0.5, 5.0)
    maps = _maps([(5, 45, 60, 90)])
    with caplog.at_level(logging.ERROR):
        _run(writer, [_item(sources[1], np.full_like(maps, np.nan)), _item(sources[0], maps)])
    assert set(writer.failed) == {str(sources[1]), str(sources[2])}
    assert "2 of 3 pictures failed" in caplog.text
    assert "unread.png: the picture could not be read" in caplog.text
    assert (tmp_path / "out" / "good_instances.png").exists()
    assert not (tmp_path / "out" / "broken_instances.png").exists()


def test_names_that_clash_are_refused_before_anything_is_done(tmp_path):
    with pytest.raises(RequestError, match="share the output"):
        TileWriter([tmp_path / "a.png", tmp_path / "a.tif"], tmp_path / "out", 0.5, 5.0)
