import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from custom.checks import RequestError
from custom.data import datalist


def item(name, label=True, **more):
    paths = {"image": f"images/{name}.png", "label": f"labels/{name}.png"}
    return {**(paths if label else {"image": paths["image"]}), "id": name, **more}


CONTENT = {
    "name": "toy",
    "mpp": 0.5,
    "mean": [0.5, 0.5, 0.5],
    "std": [0.1, 0.1, 0.1],
    "seed": 0,
    "command": "python -m custom prepare",
    "training": [item("a", patient="7")],
    "unlabelled": [item("b", label=False)],
    "validation": [],
    "testA": [item("c")],
}


@pytest.fixture
def dataset_dir(tmp_path):
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
        for name in "abc":
            pixels = np.zeros((4, 6, 3) if folder == "images" else (4, 6), np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{name}.png")
    write(tmp_path, CONTENT)
    return tmp_path


def write(folder, content):
    (folder / "datalist.json").write_text(json.dumps(content))


def test_read_and_sections(dataset_dir, monkeypatch):
    assert datalist.read(dataset_dir) == CONTENT
    assert datalist.test_sections(dataset_dir) == ["testA"]
    expected = {"id": "a", "patient": "7", "image": str(dataset_dir / "images/a.png")}
    assert datalist.section(dataset_dir, "training") == [{**expected, "label": str(dataset_dir / "labels/a.png")}]
    assert datalist.section(dataset_dir, "validation") == []
    # A list from elsewhere may lack a patient; a batch needs the key in every item.
    [unlabelled] = datalist.section(dataset_dir, "unlabelled")
    assert unlabelled == {"id": "b", "patient": "", "image": str(dataset_dir / "images/b.png")}
    monkeypatch.chdir(dataset_dir.parent)
    [relative] = datalist.section(dataset_dir.name, "testA")
    assert Path(relative["image"]).is_absolute()
    datalist.check(dataset_dir)


def test_an_unknown_section_and_none(dataset_dir):
    with pytest.raises(RequestError, match="no section 'testB', wanted one of training, unlabelled, validation, testA"):
        datalist.section(dataset_dir, "testB")
    with pytest.raises(RequestError, match="no section 'mpp'"):
        datalist.section(dataset_dir, "mpp")
    write(dataset_dir, {key: value for key, value in CONTENT.items() if key != "testA"})
    with pytest.raises(RequestError, match="has no test section"):
        datalist.test_sections(dataset_dir)


def test_a_missing_and_a_broken_file(dataset_dir):
    content = (dataset_dir / "images/a.png").read_bytes()
    (dataset_dir / "images/a.png").write_bytes(content[:40])
    with pytest.raises(RequestError, match=r"images/a\.png"):
        datalist.check(dataset_dir)
    (dataset_dir / "images/a.png").unlink()
    with pytest.raises(RequestError, match=r"images/a\.png: missing"):
        datalist.section(dataset_dir, "training")


def test_a_mask_of_another_size(dataset_dir):
    Image.fromarray(np.zeros((6, 4), np.uint8)).save(dataset_dir / "labels/c.png")
    with pytest.raises(RequestError, match=r"c\.png"):
        datalist.check(dataset_dir)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unlabelled": [item("b")]}, "b is unlabelled and has a label"),
        ({"testA": [item("c", label=False)]}, "c in 'testA' has no label"),
        ({"testA": {}}, "'testA' is no list"),
        ({"testA": ["c"]}, "an item of 'testA' has no 'image' and 'id'"),
        ({"mpp": "0.5"}, "found mpp '0.5'"),
        ({"mpp": 0}, "found mpp 0"),
        ({"mean": 0.5}, "found mean 0.5"),
    ],
)
def test_a_wrong_list(dataset_dir, change, message):
    write(dataset_dir, CONTENT | change)
    with pytest.raises(RequestError, match=message):
        datalist.read(dataset_dir)


def test_no_list(tmp_path):
    with pytest.raises(RequestError, match=r"no datalist\.json there"):
        datalist.read(tmp_path / "nosuch")
    for text, message in (("{", "not JSON"), ("[]", "wanted an object"), ('{"name": "x"}', "'name' and 'training'")):
        (tmp_path / "datalist.json").write_text(text)
        with pytest.raises(RequestError, match=message):
            datalist.read(tmp_path)
