"""Glands for QuPath: read back they are the same ids, and the file holds what QuPath asks for."""

import json
import uuid

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from custom.data.source_file import SourceFile
from custom.data.tiles.qupath import rasterise
from custom.inference.tiles.geojson import glands_as_geojson


def rows_of(ids):
    measures = {
        "area_um2": "1.50",
        "perimeter_um": "2",
        "eccentricity": "0",
        "solidity": "1",
        "mean_probability": "0.9",
    }
    return [{"id": number, **measures} for number in range(1, ids.max() + 1)]


def written(path, ids, name="a.png"):
    path.write_text(glands_as_geojson(ids, name, rows_of(ids)), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def pieces(seed, height, width, share):
    """Ragged 4-connected pieces without holes, up to the border and touching at corners."""
    mask = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(height, width)), 1.0)
    labelled = ndimage.label(mask > np.quantile(mask, share))[0]
    ids, number = np.zeros((height, width), np.int32), 0
    for label in range(1, labelled.max() + 1):
        whole = ndimage.binary_fill_holes(labelled == label)
        if not ids[labelled == label].any():
            number += 1
            ids[whole] = number
    return ids


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 40), st.floats(0.1, 0.9))
def test_read_back_the_ids_are_the_same(tmp_path_factory, seed, height, width, share):
    ids = pieces(seed, height, width, share)
    path = tmp_path_factory.mktemp("out") / "a.geojson"
    written(path, ids)
    assert np.array_equal(rasterise(SourceFile(path), ids.shape)[0], ids)


def test_a_square_where_it_lies(tmp_path):
    ids = np.zeros((9, 12), np.int32)
    ids[2:5, 4:10] = 1
    (feature,) = written(tmp_path / "a.geojson", ids)["features"]
    ring = np.asarray(feature["geometry"]["coordinates"][0])
    assert np.array_equal(ring[0], ring[-1])
    # Rows 2 to 4 and columns 4 to 9 cover [2, 5) x [4, 10); corners are cut by half a pixel.
    assert (ring.min(axis=0).tolist(), ring.max(axis=0).tolist()) == ([4, 2], [10, 5])
    x, y = ring.T
    area = abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2
    assert area == 18 - 4 / 8


def test_what_qupath_asks_for(tmp_path):
    ids = pieces(1, 30, 40, 0.6)
    content = written(tmp_path / "a.geojson", ids)
    assert content["type"] == "FeatureCollection"
    assert len(content["features"]) == ids.max() > 1
    seen = set()
    for number, feature in enumerate(content["features"], start=1):
        assert (feature["type"], feature["geometry"]["type"]) == ("Feature", "Polygon")
        (ring,) = feature["geometry"]["coordinates"]
        assert len(ring) >= 4
        # QuPath snaps to hundredths; halves stay as they are.
        assert all(float(2 * value).is_integer() for point in ring for value in point)
        properties = feature["properties"]
        assert (properties["objectType"], properties["name"]) == ("annotation", str(number))
        assert set(properties["classification"]) == {"name", "color"}
        assert properties["measurements"]["Area um^2"] == 1.5
        seen.add(uuid.UUID(feature["id"]))
    assert len(seen) == ids.max()
    again = written(tmp_path / "b.geojson", ids)
    other = written(tmp_path / "c.geojson", ids, "b.png")
    assert again == content
    assert other["features"][0]["id"] != content["features"][0]["id"]


def test_no_gland(tmp_path):
    ids = np.zeros((5, 5), np.int32)
    assert written(tmp_path / "a.geojson", ids) == {"type": "FeatureCollection", "features": []}
    assert not rasterise(SourceFile(tmp_path / "a.geojson"), ids.shape)[0].any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 6)])
def test_the_whole_picture(tmp_path, shape):
    ids = np.ones(shape, np.int32)
    written(tmp_path / "a.geojson", ids)
    assert np.array_equal(rasterise(SourceFile(tmp_path / "a.geojson"), shape)[0], ids)
