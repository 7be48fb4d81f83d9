"""QuPath's objects of all versions: which are glands, and what becomes of those that are not whole."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from custom.__main__ import main
from custom.checks import RequestError
from custom.data.source_file import SourceFile
from custom.data.tiles.classes import Classes
from custom.data.tiles.prepare import prepare
from custom.data.tiles.qupath import rasterise

SHAPE = (60, 90)


def box(left, top, size=10):
    right, bottom = left + size, top + size
    return [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]


def polygon(left, top, size=10):
    return {"type": "Polygon", "coordinates": [box(left, top, size)]}


def feature(geometry, top_level=None, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": properties, **(top_level or {})}


def drawn(tmp_path, content, classes=(), encoding="utf-8"):
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    (tmp_path / "a.geojson").write_bytes(text.encode(encoding))
    return rasterise(SourceFile(tmp_path / "a.geojson"), SHAPE, Classes(tuple(classes)))


@pytest.mark.parametrize("key", ["childObjects", "children"])
def test_children_are_read_with_their_parents(tmp_path, key):
    grandchild = feature(polygon(40, 30))
    child = feature(polygon(5, 5), **{key: [grandchild]})
    region = feature(polygon(0, 0, 58), classification={"name": "Region*"}, **{key: [child]})
    ids, remarks, _ = drawn(tmp_path, {"type": "FeatureCollection", "features": [region]})
    assert (ids.max(), (ids > 0).sum()) == (2, 200)
    assert remarks == ["left out: 1 Region*"]


@pytest.mark.parametrize("kind", ["tile", "root", "tmaCore", "tma_core"])
@pytest.mark.parametrize("key", ["objectType", "object_type", "type"])
def test_objects_that_are_none(tmp_path, kind, key):
    geometry = None if kind == "root" else polygon(30, 30)
    ids, remarks, _ = drawn(tmp_path, [feature(polygon(5, 5)), feature(geometry, **{key: kind})])
    assert (ids.max(), remarks) == (1, [])


@pytest.mark.parametrize("kind", ["PathTileObject", "PathRootObject", "TMACoreObject"])
def test_objects_of_old_versions_that_are_none(tmp_path, kind):
    geometry = None if kind == "PathRootObject" else polygon(30, 30)
    objects = [feature(polygon(5, 5), {"id": "PathAnnotationObject"}), feature(geometry, {"id": kind})]
    ids, remarks, _ = drawn(tmp_path, objects)
    assert (ids.max(), remarks) == (1, [])


@pytest.mark.parametrize(
    "cell", [feature(polygon(30, 30), objectType="cell"), feature(polygon(30, 30), {"id": "PathCellObject"})]
)
def test_cells_are_no_glands(tmp_path, cell):
    ids, remarks, _ = drawn(tmp_path, [feature(polygon(5, 5), objectType="annotation"), cell])
    assert (ids.max(), remarks) == (1, ["left out: 1 cells"])


def test_annotations_beside_detections_are_refused_unless_a_class_tells(tmp_path):
    objects = [
        feature(polygon(0, 0, 50), objectType="annotation"),
        feature(polygon(5, 5), objectType="detection", classification="Gland"),
    ]
    with pytest.raises(RequestError, match="found 1 annotation, 1 detection objects, wanted one of them"):
        drawn(tmp_path, objects)
    ids, remarks, _ = drawn(tmp_path, objects, ["Gland"])
    assert ((ids > 0).sum(), remarks) == (100, ["left out: 1 Unclassified"])
    assert drawn(tmp_path, objects[1:])[0].max() == 1


def test_areas_of_collections_are_taken(tmp_path):
    line = {"type": "LineString", "coordinates": [[0, 0], [5, 5]]}
    inner = {"type": "GeometryCollection", "geometries": [polygon(30, 30), line]}
    collection = {"type": "GeometryCollection", "geometries": [line, inner]}
    for content in ([feature(polygon(5, 5)), feature(collection)], [polygon(5, 5), collection]):
        ids, remarks, _ = drawn(tmp_path, content)
        assert (ids.max(), (ids > 0).sum(), remarks) == (2, 200, ["left out: 2 LineString"])


@pytest.mark.parametrize(
    "empty",
    [
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "Polygon", "coordinates": None},
        {"type": "MultiPolygon", "coordinates": []},
        {"type": "MultiPolygon", "coordinates": [[[]]]},
        {"type": "GeometryCollection", "geometries": []},
    ],
)
def test_an_empty_outline_is_left_out(tmp_path, empty):
    ids, remarks, _ = drawn(tmp_path, [feature(polygon(5, 5)), feature(empty)])
    assert (ids.max(), remarks) == (1, ["left out: 1 empty"])


def test_pieces_apart_are_glands_of_their_own(tmp_path):
    far = {"type": "MultiPolygon", "coordinates": [[box(0, 0)], [box(40, 30)], [box(60, 5)]]}
    ids, remarks, _ = drawn(tmp_path, [feature(polygon(20, 40)), feature(far)])
    assert (ids.max(), (ids > 0).sum()) == (4, 400)
    assert remarks == ["1 objects lie in 3 pieces apart, each taken for a gland"]
    near = {"type": "MultiPolygon", "coordinates": [[box(0, 0)], [box(12, 0)], [box(70, 40, 2)]]}
    ids, remarks, _ = drawn(tmp_path, [feature(polygon(20, 40)), feature(near)])
    # a crack of two pixels is no gap, and 2 x 2 pixels are no gland
    assert (ids.max(), (ids == 2).sum(), remarks) == (2, 204, [])


def test_outlines_inside_others_are_said(tmp_path):
    _, remarks, _ = drawn(tmp_path, [feature(polygon(0, 0, 50)), feature(polygon(5, 5)), feature(polygon(30, 30))])
    assert remarks[0].startswith("2 outlines lie wholly inside another one")


@pytest.mark.parametrize(("encoding", "notes"), [("cp1252", 1), ("utf-16", 0), ("utf-8-sig", 0), ("utf-32", 0)])
def test_other_encodings(tmp_path, encoding, notes):
    objects = [feature(polygon(5, 5), classification={"name": "Dr\u00fcse"})]
    ids, remarks, classes = drawn(tmp_path, objects, ["dr\u00fcse"], encoding)
    assert (ids.max(), classes, len(remarks)) == (1, {"Dr\u00fcse": 1}, notes)


@pytest.mark.parametrize(
    "content",
    [
        [feature({"type": "Polygon", "coordinates": [[[10**400, 0], [1, 0], [1, 1], [0, 0]]]})],
        [feature({"type": "Polygon", "coordinates": [[[1e308, 0], [1, 0], [1, 1], [0, 0]]]})],
        [feature({"type": "Polygon", "coordinates": [[[-1e300, 0], [1e300, 0], [1, 1], [-1e300, 0]]]})],
        '[{"type": "Polygon", "coordinates": [[[1e999, 0], [1, 0], [1, 1], [0, 0]]]}]',
        f'[{{"type": "Polygon", "coordinates": [[[{"9" * 5000}, 0], [1, 0], [1, 1], [0, 0]]]}}]',
        [feature({"type": ["Polygon"], "coordinates": [box(0, 0)]})],
        [feature({"type": {"a": 1}, "coordinates": [box(0, 0)]})],
        [{"type": ["Feature"]}],
        [feature({"type": "Polygon"})],
        [feature({"type": "Polygon", "coordinates": "text"})],
        [feature({"type": "Polygon", "coordinates": [[[1], [2], [3], [1]]]})],
        [feature({"type": "Polygon", "coordinates": [1, 2]})],
        [feature({"type": "Polygon", "coordinates": [[{"x": 1}] * 4]})],
        [feature({"type": "MultiPolygon", "coordinates": [1, 2]})],
        [feature({"type": "GeometryCollection", "geometries": [3]})],
        [feature({"type": "GeometryCollection", "coordinates": []})],
        [feature(polygon(0, 0), childObjects=[3])],
        {"type": "FeatureCollection", "features": 3},
        "[" * 100_000,
        '{"type": "Polygon", "coordinates": ' + "[" * 3000 + "1" + "]" * 3000 + "}",
    ],
)
def test_odd_content_is_one_line(tmp_path, content):
    with pytest.raises(RequestError) as error:
        drawn(tmp_path, content)
    assert str(error.value).startswith(str(tmp_path / "a.geojson"))
    assert "\n" not in str(error.value)


def folder(tmp_path, **objects):
    """A folder of tiles, each with its outlines."""
    source = tmp_path / "source"
    for index, (name, content) in enumerate(objects.items()):
        for kind in ("images", "masks"):
            (source / kind).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", SHAPE[::-1], (index, 0, 0)).save(source / "images" / f"{name}.png")
        (source / "masks" / f"{name}.geojson").write_text(json.dumps(content))
    return source


def test_classes_are_held_against_the_whole_data_set(tmp_path):
    gland = [feature(polygon(5, 5), classification="Gland"), feature(polygon(25, 5), classification="Gland: Benign")]
    stroma = [feature(polygon(5, 5), classification="Stroma"), feature(polygon(0, 0, 50), classification="Region*")]
    source = folder(tmp_path, a=gland, b=stroma)
    output = tmp_path / "data"
    with pytest.raises(RequestError, match=r"\(1 Gland, 1 Gland: Benign, 1 Stroma\).*--classes"):
        prepare("folder", source, output, mpp=0.5)
    assert not output.exists()
    with pytest.raises(RequestError, match="did you mean Gland"):
        prepare("folder", source, output, mpp=0.5, classes="Glant")
    lines = prepare("folder", source, output, mpp=0.5, classes="Gland")
    assert any(line.endswith("b.geojson: left out: 1 Stroma, 1 Region*") for line in lines)
    assert any("2 images,     2 glands" in line for line in lines)
    with pytest.raises(RequestError, match="--classes: found it with glas"):
        prepare("glas", source, output, classes="Gland")


def test_the_option_of_the_command_line(tmp_path, capsys, monkeypatch):
    source = folder(tmp_path, a=[feature(polygon(5, 5), classification="A b"), feature(polygon(30, 5))])
    words = ["prepare", "folder", "--source", str(source), "--output", str(tmp_path / "data"), "--mpp", "0.5"]
    monkeypatch.setattr(sys, "argv", ["custom", *words, "--classes", "A b,Unclassified"])
    assert main() == 0
    assert "2 glands" in capsys.readouterr().out
    head = json.loads((tmp_path / "data" / "datalist.json").read_text())
    assert head["command"].endswith("--classes 'A b,Unclassified'")


def test_a_mask_named_after_the_whole_file(tmp_path):
    source = folder(tmp_path, a=[feature(polygon(5, 5))])
    (source / "masks/a.geojson").rename(source / "masks/a.png.geojson")
    prepare("folder", source, tmp_path / "data", mpp=0.5)
    assert np.asarray(Image.open(tmp_path / "data/labels/a.png")).max() == 1
    (source / "masks/a.geojson").write_text("[]")
    with pytest.raises(RequestError, match=r"is for the same image as"):
        prepare("folder", source, tmp_path / "data", mpp=0.5)
