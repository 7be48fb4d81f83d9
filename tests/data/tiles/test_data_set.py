import json
import logging

import numpy as np
import pytest
from PIL import Image

from custom.checks import RequestError
from custom.data.datalist import SECTIONS
from custom.data.tiles import TileSet, data_set
from custom.data.tiles.prepare import prepare


def item(name, label=True):
    paths = {"image": f"images/{name}.png", "label": f"labels/{name}.png"}
    return {**(paths if label else {"image": paths["image"]}), "id": name}


CONTENT = {
    "name": "toy",
    "mpp": 0.5,
    "mean": [0.5, 0.6, 0.7],
    "std": [0.1, 0.2, 0.3],
    "training": [item("a")],
    "unlabelled": [item("b", label=False)],
    "testA": [item("c")],
    "testB": [],
}
ALL = (*SECTIONS, "testA")


@pytest.fixture
def dataset_dir(tmp_path):
    """Without checksums, so that a check opens every file."""
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
        for name in "abc":
            pixels = np.zeros((4, 6, 3) if folder == "images" else (4, 6), np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{name}.png")
    write(tmp_path, CONTENT)
    return tmp_path


def write(folder, content):
    (folder / "datalist.json").write_text(json.dumps(content))


def test_what_the_list_says(dataset_dir):
    tiles = TileSet(dataset_dir)
    assert (tiles.mpp, tiles.mean, tiles.std) == (0.5, [0.5, 0.6, 0.7], [0.1, 0.2, 0.3])
    assert tiles.fingerprint.startswith("toy ")
    assert tiles.test_section == "testA"
    assert [one["id"] for one in tiles.items("training")] == ["a"]
    assert tiles.items("validation") == []  # every set has it, though this list says nothing
    write(dataset_dir, {"name": "toy", "training": []})
    with pytest.raises(RequestError, match="has no mpp, wanted the µm a pixel there or as --mpp"):
        _ = TileSet(dataset_dir).mpp


def test_an_unknown_section_and_none(dataset_dir):
    tiles = TileSet(dataset_dir)
    with pytest.raises(RequestError, match="no section 'testC', wanted one of training, unlabelled, testA, testB"):
        tiles.items("testC")
    with pytest.raises(RequestError, match="no section 'mpp'"):
        tiles.items("mpp")
    with pytest.raises(RequestError, match="found no image in 'validation', wanted at least one"):
        tiles.items("validation", needed=True)
    write(dataset_dir, {key: value for key, value in CONTENT.items() if not key.startswith("test")})
    with pytest.raises(RequestError, match="has no test section, wanted one, or --test_section validation"):
        _ = TileSet(dataset_dir).test_section


def test_check_says_what_there_is(dataset_dir, caplog):
    with caplog.at_level(logging.INFO):
        TileSet(dataset_dir).check(ALL)
    assert f"{dataset_dir}: training 1, unlabelled 1, validation empty, testA 1" in caplog.text


def test_check_says_what_is_converted(dataset_dir, caplog):
    Image.new("L", (6, 4)).save(dataset_dir / "images/b.png")
    with caplog.at_level(logging.INFO):
        TileSet(dataset_dir).check()
    assert f"{dataset_dir}/images/b.png: grey made RGB" in caplog.text


def test_there_is_something_to_train_on(dataset_dir):
    write(dataset_dir, CONTENT | {"training": []})
    with pytest.raises(RequestError, match="found no image in 'training', wanted at least one"):
        TileSet(dataset_dir).check()
    TileSet(dataset_dir).check(["testA"])


def test_a_missing_and_a_broken_file(dataset_dir):
    content = (dataset_dir / "images/a.png").read_bytes()
    (dataset_dir / "images/a.png").write_bytes(content[:40])
    with pytest.raises(RequestError, match=r"images/a\.png: not an image"):
        TileSet(dataset_dir).check()
    (dataset_dir / "images/a.png").unlink()
    with pytest.raises(RequestError, match=r"images/a\.png: missing"):
        TileSet(dataset_dir).items("training")
    with pytest.raises(RequestError, match=r"images/a\.png: missing"):
        TileSet(dataset_dir).check()


def test_a_mask_of_another_size(dataset_dir):
    Image.fromarray(np.zeros((6, 4), np.uint8)).save(dataset_dir / "labels/c.png")
    TileSet(dataset_dir).check()  # the test section is not asked for
    with pytest.raises(RequestError, match=r"labels/c\.png: found 4 x 6 pixels, wanted 6 x 4"):
        TileSet(dataset_dir).check(ALL)


@pytest.fixture
def decoded(monkeypatch):
    """Ids of the items that are decoded."""
    found = []
    original = data_set.load_pair

    def load_pair(record, **options):
        found.append(record.id)
        return original(record, **options)

    monkeypatch.setattr(data_set, "load_pair", load_pair)
    return found


def test_what_is_as_prepared_is_not_decoded_again_and_what_has_changed_is(folder_source, tmp_path, decoded):
    output = tmp_path / "data"
    prepare("folder", folder_source, output, validation=0.25, mpp=0.62)
    tiles = TileSet(output)
    sections = (*SECTIONS, "test")
    tiles.check(sections)
    assert decoded == []
    first, second = (tiles.items("training")[index] for index in (0, 1))
    Image.fromarray(255 - np.asarray(Image.open(first["image"]))).save(first["image"])
    ids = np.asarray(Image.open(second["label"])).copy()
    ids[:2, :2] = 9
    Image.fromarray(ids).save(second["label"])
    tiles.check(sections)
    assert decoded == [first["id"], second["id"]]
    Image.fromarray(ids[1:]).save(second["label"])
    with pytest.raises(RequestError, match=rf"labels/{second['id']}\.png: found 128 x 95 pixels, wanted 128 x 96"):
        tiles.check(sections)


def test_all_of_a_list_without_checksums_is_decoded(dataset_dir, decoded):
    TileSet(dataset_dir).check(ALL)
    assert decoded == ["a", "b", "c"]
