import gzip
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from custom.checks import RequestError
from custom.data.source_file import SourceFile
from custom.data.tiles.qupath import rasterise


def box(left, top, right, bottom):
    return [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]


def feature(*rings, **properties):
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": list(rings)}, "properties": properties}


def written(path, content):
    text = (content if isinstance(content, str) else json.dumps(content)).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return SourceFile(path)


@pytest.mark.parametrize("name", ["a.geojson", "a.json", "a.geojson.gz"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda one: {"type": "FeatureCollection", "features": [one]},
        lambda one: [one],
        lambda one: one,
        lambda one: one["geometry"],
    ],
)
def test_every_container(tmp_path, name, wrap):
    ids, remarks, _ = rasterise(written(tmp_path / name, wrap(feature(box(1, 2, 4, 6)))), (8, 10))
    # Pixel (0, 0) covers [0, 1) x [0, 1): x 1 to 4 are columns 1, 2, 3; y 2 to 6 are rows 2, 3, 4, 5.
    expected = np.zeros((8, 10))
    expected[2:6, 1:4] = 1
    assert np.array_equal(ids, expected)
    assert remarks == []


def test_holes_and_parts(tmp_path):
    parts = [[box(0, 0, 6, 6), box(2, 2, 4, 5)], [box(8, 0, 9, 2)]]
    geometry = {"type": "MultiPolygon", "coordinates": parts}
    ids, _, _ = rasterise(written(tmp_path / "a.json", [{"type": "Feature", "geometry": geometry}]), (7, 10))
    expected = np.zeros((7, 10))
    expected[:6, :6] = 1
    expected[2:5, 2:4] = 0
    expected[:2, 8] = 1  # a sliver of two pixels stays with its object
    assert np.array_equal(ids, expected)


def test_the_smaller_of_two_is_on_top(tmp_path):
    small, large = feature(box(2, 2, 4, 4)), feature(box(0, 0, 6, 6))
    for order, expected in (([small, large], [1, 2]), ([large, small], [2, 1])):
        ids, _, _ = rasterise(written(tmp_path / "a.json", order), (6, 6))
        assert [ids[3, 3], ids[0, 0]] == expected


def test_an_object_over_the_edge_is_cut(tmp_path):
    ids, _, _ = rasterise(
        written(tmp_path / "a.json", [feature(box(-3, -2, 2, 1)), feature(box(4, 3, 99, 99))]), (5, 6)
    )
    expected = np.zeros((5, 6))
    expected[0, :2] = 1
    expected[3:, 4:] = 2
    assert np.array_equal(ids, expected)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-300, 2300), st.integers(-300, 1700)), min_size=3, max_size=8))
def test_against_matplotlib(tmp_path_factory, points):
    # In thousandths plus a little, so that no pixel's centre lies on an outline.
    xy = [[x / 100 + 0.0137, y / 100 + 0.0071] for x, y in points]
    ring = [*xy, xy[0]]
    height, width = 14, 20
    centres = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1).reshape(-1, 2)
    # Winding and even-odd rules differ where an outline crosses itself: a convex one does not.
    hull = _hull(xy)
    if len(hull) < 3:
        return
    expected = Outline(hull).contains_points(centres).reshape(height, width)
    file = written(tmp_path_factory.mktemp("q") / "a.json", [feature([*hull, hull[0]])])
    xs, ys = zip(*ring, strict=True)
    if max(xs) <= 0 or max(ys) <= 0 or min(xs) >= width or min(ys) >= height:
        with pytest.raises(RequestError, match="outside the image"):
            rasterise(file, (height, width))
        return
    assert np.array_equal(rasterise(file, (height, width))[0] > 0, expected)


def _hull(points):
    """The convex hull, counter-clockwise (monotone chain)."""
    ordered = sorted(map(tuple, points))
    half = []
    for sequence in (ordered, ordered[::-1]):
        chain = []
        for x, y in sequence:
            while len(chain) > 1:
                (ax, ay), (bx, by) = chain[-2:]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                chain.pop()
            chain.append((x, y))
        half += chain[:-1]
    return [list(one) for one in dict.fromkeys(half)]


def test_what_is_left_out_is_said(tmp_path):
    objects = [
        feature(box(0, 0, 2, 2), classification={"name": "Gland", "color": [1, 2, 3]}),
        feature(box(4, 0, 6, 2), classification="Gland"),
        feature(box(0, 4, 2, 6), classification={"names": ["Tumor", "Gland"], "color": [1, 2, 3]}),
        feature(box(4, 4, 6, 6), classification={"name": "Ignore*", "colorRGB": -1}),
        feature(box(0, 0, 9, 9), objectType="tile"),
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [3, 3]}, "properties": None},
        feature(box(7.1, 7.1, 7.2, 7.2), classification="Gland"),
    ]
    ids, remarks, classes = rasterise(written(tmp_path / "a.json", objects), (9, 9))
    assert sorted(np.unique(ids)) == [0, 1, 2, 3]
    assert classes == {"Gland": 3, "Tumor: Gland": 1}
    assert remarks == ["left out: 1 Ignore*, 1 Point", "1 objects cover no pixel of their own"]


def test_no_object_is_an_empty_mask(tmp_path):
    ids, _, _ = rasterise(written(tmp_path / "a.json", {"type": "FeatureCollection", "features": []}), (3, 4))
    assert ids.shape == (3, 4)
    assert not ids.any()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"type": "FeatureCollection", "features": [', "not JSON"),
        ({"a": 1}, "not GeoJSON"),
        (3, "not GeoJSON"),
        ({"type": "FeatureCollection"}, "not GeoJSON"),
        ([{"type": "Feature", "geometry": None}], "without a geometry"),
        ([feature([[0, 0], [1, 1], [0, 0]])], "fewer than 4 points"),
        ([feature([["a", 0]] * 4)], "no numbers x y"),
        ([feature([1, 2, 3, 4])], "no numbers x y"),
        ([feature([[0, float("nan")]] * 4)], "no numbers"),
        ([feature(box(9, 0, 12, 3))], "outside the image of 9 x 5"),
    ],
)
def test_what_is_refused(tmp_path, content, message):
    with pytest.raises(RequestError, match=message) as error:
        rasterise(written(tmp_path / "a.json", content), (5, 9))
    assert str(tmp_path / "a.json") in str(error.value)


def test_a_truncated_gzip(tmp_path):
    file = written(tmp_path / "a.geojson.gz", [feature(box(0, 0, 2, 2))])
    file.path.write_bytes(file.path.read_bytes()[:-12])
    with pytest.raises(RequestError, match="broken or truncated gzip"):
        rasterise(file, (5, 5))
