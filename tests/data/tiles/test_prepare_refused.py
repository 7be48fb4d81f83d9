import os
import shutil

import numpy as np
import pytest
from PIL import Image

from custom.checks import RequestError
from custom.data.tiles import prepare

prepare_set = prepare.prepare
HEIGHT, WIDTH = 20, 30


def damage(source, what):
    """Make one thing wrong; return the message that is wanted."""
    if what == "mask missing":
        (source / "masks/2.png").unlink()
        return r"images/2\.png: no mask .* go into unlabelled/"
    if what == "many masks missing":
        shutil.rmtree(source / "masks")
        return r"6 of 8 images are wrong: .*0\.png.*; .*1\.png.*; .*2\.png.*; and 3 more"
    if what == "size":
        Image.fromarray(np.zeros((WIDTH, HEIGHT), np.uint8)).save(source / "masks/2.png")
        return r"masks/2\.png: found 20 x 30 pixels, wanted 30 x 20"
    if what == "truncated":
        content = (source / "unlabelled/u.png").read_bytes()
        (source / "unlabelled/u.png").write_bytes(content[: len(content) // 2])
        return r"unlabelled/u\.png: broken"
    if what == "duplicate":
        Image.open(source / "test/images/t.png").save(source / "images/2.tif")
        (source / "images/2.png").unlink()
        return r"images/t\.png: in test, the same picture as .*2\.tif in training"
    if what == "deep":
        Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint16)).save(source / "images/2.png")
        return r"images/2\.png: found more than 8 bits"
    if what == "one id":
        shutil.copy(source / "images/1.png", source / "images/test_t.png")
        shutil.copy(source / "masks/1.png", source / "masks/test_t.png")
        return r"has the id test_t of"
    shutil.rmtree(source / "images")
    return "no image in images/"


@pytest.mark.parametrize(
    "what", ["mask missing", "many masks missing", "size", "truncated", "duplicate", "deep", "one id", "empty"]
)
def test_nothing_is_written_if_anything_is_wrong(source, tmp_path, what):
    message = damage(source, what)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(RequestError, match=message) as error:
        prepare_set("folder", source, tmp_path / "data", mpp=0.5)
    assert "\n" not in str(error.value)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "cifar"}, "found the data set 'cifar', wanted one of glas, crag, folder"),
        ({"mpp": None}, "--mpp: wanted the µm a pixel"),
        ({"mpp": 352.8}, "--mpp: found 352.8"),
        ({"mpp": float("nan")}, "--mpp: found nan"),
        ({"name": "crag", "mpp": 0.4}, "crag has 0.5"),
        ({"split": "x.json", "labelled": "3"}, "wanted no --labelled or --validation beside it"),
        ({"split": "x.json"}, r"x\.json: cannot be read"),
        ({"labelled": "7"}, "wanted at most the 6"),
    ],
)
def test_wrong_requests(source, tmp_path, options, message):
    request = {"name": "folder", "source": source, "output": tmp_path / "data", "mpp": 0.5} | options
    with pytest.raises(RequestError, match=message):
        prepare_set(**request)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("name", "reason"), [("glas", "; glas knows its patients from its Grade.csv"), ("crag", "")])
def test_a_table_of_patients_is_for_folder_alone(tmp_path, name, reason):
    with pytest.raises(RequestError, match=f"^--patients: found it with {name}, wanted it with folder alone{reason}$"):
        prepare_set(name, tmp_path / "source", tmp_path / "data", patients=tmp_path / "p.csv")


def test_a_list_without_labelled_images(source, tmp_path):
    (tmp_path / "split.json").write_text('{"unlabelled": ["1"]}')
    with pytest.raises(RequestError, match="no labelled training image"):
        prepare_set("folder", source, tmp_path / "data", split=str(tmp_path / "split.json"), mpp=0.5)


def test_what_a_user_has_is_never_replaced(source, tmp_path):
    output = tmp_path / "data"
    output.mkdir()
    (output / "thesis.tex").write_text("x")
    with pytest.raises(RequestError, match="not empty and not written by prepare"):
        prepare_set("folder", source, output, mpp=0.5)
    (output / "thesis.tex").unlink()
    prepare_set("folder", source, output, mpp=0.5)
    (output / "notes.txt").write_text("x")
    with pytest.raises(RequestError, match=r"holds notes\.txt, which prepare did not write"):
        prepare_set("folder", source, output, mpp=0.5)
    assert (output / "notes.txt").exists()
    with pytest.raises(RequestError, match="is a file"):
        prepare_set("folder", source, output / "notes.txt", mpp=0.5)
    for inside in (source, source / "prepared", tmp_path):
        with pytest.raises(RequestError, match="inside each other"):
            prepare_set("folder", source, inside, mpp=0.5)


def test_an_interrupted_run_leaves_the_earlier_output(source, tmp_path, monkeypatch, tree):
    output = tmp_path / "data"
    prepare_set("folder", source, output, "2", mpp=0.5)
    first = tree(output)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "draw_sheet", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepare_set("folder", source, output, "3", mpp=0.5)
    assert tree(output) == first
    assert sorted(os.listdir(tmp_path)) == ["data", "source"]


def test_a_full_disk_is_one_line(source, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "x.png")

    monkeypatch.setattr(prepare, "draw_sheet", full)
    with pytest.raises(RequestError, match=r"x\.png: cannot be written \(No space left on device\)"):
        prepare_set("folder", source, tmp_path / "data", mpp=0.5)
    assert os.listdir(tmp_path) == ["source"]
