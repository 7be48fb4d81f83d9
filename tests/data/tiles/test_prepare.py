import hashlib
import json
import os
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from custom.data import datalist
from custom.data.tiles import TileSet, pair, prepare
from custom.data.tiles.pair import load_pair

prepare_set = prepare.prepare


@pytest.fixture
def glas_zip(tmp_path, write_pair):
    """A stand-in of the GlaS release: nine training images of three patients, two of test A; masks of two glands."""
    rng = np.random.default_rng(1)
    rows = ["name,patient ID, grade (GlaS), grade (Sirinukunwattana et al. 2015)"]
    top = tmp_path / "Warwick QU Dataset (Released 2016_07_08)"
    top.mkdir()
    for name in [f"train_{i}" for i in range(1, 10)] + ["testA_1", "testA_2"]:
        rgb, ids = write_pair(rng, tmp_path / "scratch", name)
        Image.fromarray(rgb).save(top / f"{name}.bmp")
        Image.fromarray(ids).save(top / f"{name}_anno.bmp")
        rows.append(f"{name},{int(name[-1]) % 3}, benign, healthy")
    (top / "Grade.csv").write_bytes("\r\n".join(rows).encode())
    with zipfile.ZipFile(tmp_path / "glas.zip", "w") as archive:
        for path in sorted(top.iterdir()):
            archive.write(path, f"{top.name}/{path.name}")
    return tmp_path / "glas.zip"


def decoded(output):
    """The data set, all of which can be decoded."""
    tiles, data_list = TileSet(output), datalist.read(output)
    tiles.check(list(data_list.sections))
    for section in data_list.sections:
        for item in tiles.items(section):
            load_pair(datalist.record_of(item))
    return tiles


def test_folder(source, tmp_path):
    output = tmp_path / "new" / "data"
    lines = prepare_set("folder", source, output, "2", 0.34, seed=5, mpp=0.5, command="the command")
    content, head = datalist.read(output).sections, datalist.read(output).head
    assert {key: head[key] for key in ("name", "mpp", "seed", "command")} == {
        "name": "folder", "mpp": 0.5, "seed": 5, "command": "the command",
    }  # fmt: skip
    # Six images: 0.34 of them is 2.04, so 2 for validation; 2 labelled; the other 2 join the one without a mask.
    assert {name: len(content[name]) for name in ("training", "unlabelled", "validation", "test")} == {
        "training": 2, "unlabelled": 3, "validation": 2, "test": 1,
    }  # fmt: skip
    tiles = decoded(output)
    for name in ("training", "validation", "test"):
        for item in tiles.items(name):
            # The owner's ids 3 and 7 become 1 and 2.
            ids = np.asarray(Image.open(item["label"]))
            assert ids.dtype == np.uint8
            assert [ids[5, 5], ids[5, 10], ids[0, 0]] == [1, 2, 0]
    for item in tiles.items("training"):
        assert Path(item["image"]).read_bytes() == (source / "images" / f"{item['id']}.png").read_bytes()
    labels = {path.stem for path in (output / "labels").iterdir()}
    assert labels == {item["id"] for name in ("training", "validation", "test") for item in content[name]}
    assert not any("label" in item for item in content["unlabelled"])
    assert [line.split(",")[0] for line in lines[:4]] == [
        "training      2 images", "unlabelled    3 images", "validation    2 images", "test          1 images",
    ]  # fmt: skip
    assert lines[0].endswith(" 4 glands")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["data"]


def test_statistics_are_of_all_training_images_and_no_other(source, tmp_path):
    prepare_set("folder", source, tmp_path / "data", "2", 0.34, mpp=0.5)
    tiles = TileSet(tmp_path / "data")
    images = [item["image"] for name in ("training", "unlabelled") for item in tiles.items(name)]
    pixels = np.concatenate([np.asarray(Image.open(path)).reshape(-1, 3) for path in images]) / 255
    assert np.allclose(tiles.mean, pixels.mean(axis=0), atol=1e-6)
    assert np.allclose(tiles.std, pixels.std(axis=0), atol=1e-6)


def test_glas_from_its_zip_and_its_directory(glas_zip, tmp_path, tree):
    with zipfile.ZipFile(glas_zip) as archive:
        archive.extractall(tmp_path / "unpacked")
    for name, path in (("a", glas_zip), ("b", tmp_path / "unpacked")):
        lines = prepare_set("glas", path, tmp_path / name, labelled="0.5", validation=0.3)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    content = datalist.read(tmp_path / "a").sections
    # Nine images of three patients: one patient is held out, 3 of the other 6 are labelled.
    patients = {name: {item["patient"] for item in content[name]} for name in content if name in datalist.SECTIONS}
    assert [len(content[name]) for name in ("training", "unlabelled", "validation", "testA")] == [3, 3, 3, 2]
    assert len(patients["validation"]) == 1
    assert not patients["validation"] & (patients["training"] | patients["unlabelled"])
    assert TileSet(tmp_path / "a").mpp == 0.62
    assert any("in training or unlabelled too" in line for line in lines if line.startswith("testA"))
    with zipfile.ZipFile(glas_zip) as archive:
        original = archive.read("Warwick QU Dataset (Released 2016_07_08)/testA_2.bmp")
    assert (tmp_path / "a/images/testA_2.bmp").read_bytes() == original


def test_a_published_list(glas_zip, tmp_path):
    split = tmp_path / "lists.json"
    split.write_text(json.dumps({"10%": {"labelled": ["train_9", "train_2"], "unlabelled": ["train_1"]}, "b": {}}))
    lines = prepare_set("glas", glas_zip, tmp_path / "data", split=f"{split}#10%")
    content = datalist.read(tmp_path / "data").sections
    ids = {name: [item["id"] for item in content[name]] for name in datalist.SECTIONS}
    assert ids == {"training": ["train_2", "train_9"], "unlabelled": ["train_1"], "validation": []}
    assert "6 images are in no list and were left out" in lines
    assert not (tmp_path / "data/images/train_3.bmp").exists()


def write_patients(source, table, patient_of):
    """A line for each image of `source`."""
    ids = [path.stem for path in sorted((source / "images").iterdir())] + ["test_t", "unlabelled_u"]
    table.write_text("id,patient\n" + "".join(f"{name},{patient_of(name)}\n" for name in ids))
    return table


@pytest.mark.parametrize("seed", range(5))
def test_the_draw_is_by_the_patients_of_a_table(source, tmp_path, seed):
    # 0 and 1 are of a, 2 and 3 of b, 4 and 5 of c; a half of six is 3, which no number of whole patients is.
    table = write_patients(source, tmp_path / "p.csv", lambda name: "abc"[int(name) // 2] if name.isdecimal() else "d")
    lines = prepare_set("folder", source, tmp_path / "data", validation=0.5, seed=seed, mpp=0.5, patients=table)
    content = datalist.read(tmp_path / "data").sections
    patients = {name: [item["patient"] for item in content[name]] for name in (*datalist.SECTIONS, "test")}
    held_out, trained = set(patients["validation"]), set(patients["training"])
    assert not held_out & trained
    assert held_out | trained == {"a", "b", "c"}
    assert len(patients["validation"]) == 2 * len(held_out) == 2
    assert patients["unlabelled"] == patients["test"] == ["d"]
    assert "test          1 images,  1 patients (1 of them in training or unlabelled too),     2 glands" in lines


def test_an_empty_validation_is_said(source, tmp_path):
    said = "validation is empty: training keeps its last weights only, there is no best.pt "
    lines = prepare_set("folder", source, tmp_path / "data", mpp=0.5)
    assert said + "(--validation 0.2 holds some images out)" in lines
    (tmp_path / "s.json").write_text('{"training": ["1"]}')
    lines = prepare_set("folder", source, tmp_path / "data", split=str(tmp_path / "s.json"), mpp=0.5)
    assert said + f"({tmp_path / 's.json'} can name some)" in lines
    lines = prepare_set("folder", source, tmp_path / "data", validation=0.2, mpp=0.5)
    assert not any("is empty" in line for line in lines)


@pytest.fixture
def sheet(monkeypatch):
    """What is put on the contact sheet: captions by title, and the pictures."""
    seen = {}

    def note(sections):
        seen.update(sections)
        return Image.new("RGB", (1, 1))

    monkeypatch.setattr(prepare, "draw_sheet", note)
    return seen


def test_the_contact_sheet_shows_images_without_outlines_too(source, tmp_path, sheet):
    prepare_set("folder", source, tmp_path / "data", "2", 0.34, mpp=0.5)
    assert {title: len(cells) for title, cells in sheet.items()} == {
        "training: 2 of 2, with outlines and number of glands": 2,
        "unlabelled: 3 of 3, without outlines": 3,
        "validation: 2 of 2, with outlines and number of glands": 2,
        "test: 1 of 1, with outlines and number of glands": 1,
    }
    for title, cells in sheet.items():
        for cell in cells:
            # An image that keeps no mask shows none, though the owner's folder has one.
            outlined = (np.asarray(cell.picture) == (0, 255, 0)).all(axis=-1).any()
            assert outlined == ("without" not in title) == cell.caption.endswith(": 2")


def test_of_many_images_without_outlines_a_few_are_shown(source, tmp_path, sheet):
    for index in range(40):
        Image.new("RGB", (9, 8), (index, 0, 0)).save(source / "unlabelled" / f"{index}.png")
    prepare_set("folder", source, tmp_path / "data", mpp=0.5)
    # 41 images, at most 16: every third, which is 14.
    [cells] = [cells for title, cells in sheet.items() if title == "unlabelled: 14 of 41, without outlines"]
    assert [cell.caption for cell in cells][:3] == ["unlabelled_0", "unlabelled_3", "unlabelled_6"]


def test_qupath_masks_and_converted_images(tmp_path):
    source = tmp_path / "source"
    for name in ("images", "masks"):
        (source / name).mkdir(parents=True)
    Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30).astype(np.uint8)).save(source / "images/a.png")
    ring = [[2, 3], [12, 3], [12, 9], [2, 9], [2, 3]]
    hole = [[4, 5], [6, 5], [6, 7], [4, 7], [4, 5]]
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring, hole]}, "properties": {}}
    (source / "masks/a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    lines = prepare_set("folder", source, tmp_path / "data", mpp=0.25)
    assert lines[0].endswith("a.png: grey made RGB")
    [item] = TileSet(tmp_path / "data").items("training")
    ids = np.asarray(Image.open(item["label"]))
    # 10 x 6 pixels with a hole of 2 x 2.
    assert (ids.sum(), ids.max(), ids[3:9, 2:12].sum()) == (56, 1, 56)
    assert Image.open(item["image"]).mode == "RGB"


def test_many_glands_need_sixteen_bits(tmp_path, write_pair):
    source = tmp_path / "source"
    write_pair(np.random.default_rng(0), source, "a")
    Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)).save(source / "masks/a.png")
    prepare_set("folder", source, tmp_path / "data", mpp=0.25)
    ids = np.asarray(Image.open(tmp_path / "data/labels/a.png"))
    assert ids.max() == 599


def test_an_earlier_output_is_replaced_and_the_same_again(source, tmp_path, tree):
    output = tmp_path / "data"
    output.mkdir()
    lines = prepare_set("folder", source, output, "2", mpp=0.5)
    assert not any("replaced" in line for line in lines)
    first = tree(output)
    lines = prepare_set("folder", source, output, "3", mpp=0.5)
    assert f'replaced the earlier data set "folder" in {output}' in lines
    assert len(datalist.read(output).sections["training"]) == 3
    prepare_set("folder", source, output, "2", mpp=0.5)
    assert tree(output) == first
    assert sorted(os.listdir(tmp_path)) == ["data", "source"]


def test_each_file_is_decoded_once(source, tmp_path, monkeypatch):
    calls = Counter()
    for name in ("decode_image", "decode_mask"):
        original = getattr(pair, name)
        monkeypatch.setattr(pair, name, lambda file, original=original: (calls.update([file.path]), original(file))[1])
    prepare_set("folder", source, tmp_path / "data", "2", 0.34, mpp=0.5)
    assert calls == dict.fromkeys(source.rglob("*.png"), 1)


def test_checksums_are_those_of_what_is_written(source, tmp_path):
    output = tmp_path / "data"
    prepare_set("folder", source, output, "2", 0.34, mpp=0.5)
    files = [*(output / "images").iterdir(), *(output / "labels").iterdir()]
    checksums = dict(datalist.read(output).head["checksums"])
    assert len(checksums.pop("pairs")) == 64  # what was checked with what
    assert checksums == {
        path.relative_to(output).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def test_a_link_to_another_disk_stays_a_link(source, tmp_path):
    (tmp_path / "disk" / "data").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "data")
    prepare_set("folder", source, tmp_path / "link", mpp=0.5)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "disk" / "data" / "datalist.json").is_file()


@pytest.mark.data
def test_the_real_glas(glas_source, shared_data, tmp_path):
    lines = prepare_set("glas", glas_source, tmp_path / "data", split=f"{shared_data / 'glas_splits.json'}#20%")
    content = datalist.read(tmp_path / "data").sections
    assert [len(content[name]) for name in ("training", "unlabelled", "validation", "testA")] == [14, 59, 12, 60]
    assert any("60 images,  9 patients" in line for line in lines)
    decoded(tmp_path / "data")
    # The numbers that the community measured on all 85 training images.
    prepare_set("glas", glas_source, tmp_path / "all")
    tiles = TileSet(tmp_path / "all")
    assert np.allclose(tiles.mean, [0.788, 0.512, 0.785], atol=6e-4)
    assert np.allclose(tiles.std, [0.168, 0.248, 0.132], atol=6e-4)
    assert len({item["patient"] for item in tiles.items("training")}) == 15
    # Masks as released hold the ids 1..N; they come out as they went in.
    for item in tiles.items("testA")[::10]:
        [original] = glas_source.rglob(f"{item['id']}_anno.bmp")
        assert np.array_equal(np.asarray(Image.open(item["label"])), np.asarray(Image.open(original)))
