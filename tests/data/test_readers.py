"""The owners' layouts, as stand-ins of empty files: readers look at names only."""

from pathlib import Path

import pytest

from custom.checks import RequestError
from custom.data.tiles import crag, folder, glas

GRADE = (
    "name,patient ID, grade (GlaS), grade (Sirinukunwattana et al. 2015)\r\n"
    "testA_1,4, benign, adenomatous\r\ntestB_1,5, benign, healthy\r\n"
    "train_1, 2, benign, healthy\r\ntrain_2,11, malignant, moderately differentated\r\n"
)
GLAS = [f"{name}{mask}.bmp" for name in ("train_1", "train_2", "testA_1", "testB_1") for mask in ("", "_anno")]
TOP = "Warwick QU Dataset (Released 2016_07_08)"


@pytest.fixture
def make(tmp_path):
    """Write empty files, or text, below a new directory."""

    def make_files(*names, **texts):
        for name in names:
            path = tmp_path / "source" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        for name, text in texts.items():
            (tmp_path / "source" / f"{name}.csv").write_bytes(text.encode())
        return tmp_path / "source"

    return make_files


def listed(records):
    return {one.id: (one.section, one.image.stem, one.label and one.label.stem, one.patient) for one in records}


@pytest.mark.parametrize("top", ["", f"{TOP}/", f"a/b/{TOP}/"])
def test_glas(make, tmp_path, top):
    source = make(*(top + name for name in [*GLAS, "readme.txt"]))
    (source / top / "Grade.csv").write_bytes(GRADE.encode())
    assert listed(glas.read(source)) == {
        "train_1": ("training", "train_1", "train_1_anno", "2"),
        "train_2": ("training", "train_2", "train_2_anno", "11"),
        "testA_1": ("testA", "testA_1", "testA_1_anno", "4"),
        "testB_1": ("testB", "testB_1", "testB_1_anno", "5"),
    }


def test_glas_without_tests_and_grades(make):
    found = listed(glas.read(make("train_1.bmp", "train_1_anno.bmp", "train_2.bmp")))
    assert found == {
        "train_1": ("training", "train_1", "train_1_anno", ""),
        "train_2": ("training", "train_2", None, ""),
    }


@pytest.mark.parametrize(
    ("names", "grade", "message"),
    [
        (["notes.txt"], "", "no GlaS training image"),
        (["testA_1.bmp", "testA_1_anno.bmp"], "", "no GlaS training image"),
        (["train_1.bmp", "copy/train_1.bmp"], "", "train_1 is there twice"),
        (["train_1.bmp", "train_1_anno.bmp", "train_2_anno.bmp"], "", r"train_2_anno\.bmp: a mask without its image"),
        (["train_3.bmp", "train_3_anno.bmp"], GRADE, r"Grade\.csv: no line for train_3"),
        (["train_1.bmp", "train_1_anno.bmp"], "a,b\n", r"Grade\.csv: found the columns \['a', 'b'\]"),
        (["train_1.bmp", "copy/Grade.csv"], GRADE, r"Grade\.csv is there twice"),
    ],
)
def test_glas_refused(make, names, grade, message):
    source = make(*names, **({"Grade": grade} if grade else {}))
    with pytest.raises(RequestError, match=message):
        glas.read(source)


@pytest.mark.parametrize("top", ["", "CRAG/", "CRAG_v2/CRAG/"])
def test_crag(make, top):
    parts = [("train", "train_1"), ("train", "train_2"), ("valid", "test_1")]
    kinds = ("Images", "Annotation", "Overlay")
    source = make(*(f"{top}{part}/{kind}/{name}.png" for part, name in parts for kind in kinds), f"{top}readme.txt")
    records = crag.read(source)
    assert listed(records) == {
        "train_1": ("training", "train_1", "train_1", ""),
        "train_2": ("training", "train_2", "train_2", ""),
        "test_1": ("test", "test_1", "test_1", ""),
    }
    assert [(one.image.path.parent.name, one.label.path.parent.name) for one in records] == [
        ("Images", "Annotation")
    ] * 3


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["valid/Images/test_1.png"], "no CRAG training image"),
        (["train/Images/1.png", "x/train/Images/1.png"], "1 is there twice"),
        (["train/Images/1.png", "train/Annotation/2.png"], "a mask without its image, wanted it in train/Images"),
    ],
)
def test_crag_refused(make, names, message):
    with pytest.raises(RequestError, match=message):
        crag.read(make(*names))


def test_folder(make):
    source = make(
        "images/a.b.png", "masks/a.b.tif", "images/p1/1.jpg", "masks/p1/1.geojson.gz", "images/p2/1.jpg",
        "unlabelled/u.png", "test/images/1.png", "test/masks/1.json", "notes.txt", "split.json",
    )  # fmt: skip
    assert listed(folder.read(source)) == {
        "a.b": ("training", "a.b", "a.b", ""),
        "p1_1": ("training", "1", "1", ""),
        "p2_1": ("training", "1", None, ""),
        "unlabelled_u": ("unlabelled", "u", None, ""),
        "test_1": ("test", "1", "1", ""),
    }


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["unlabelled/1.png"], "no image in images/"),
        (["image/1.png", "masks/1.png"], "no image in images/"),
        (["images/1.png", "images/1.jpg"], r"1\.png: has the same name as .*1\.jpg"),
        (["images/1.png", "masks/1.png", "masks/1.geojson"], r"1\.png: has the same name as .*1\.geojson"),
        (["images/1.svs"], r"1\.svs: found \.svs, wanted one of \.png"),
        (["images/1"], r"1: found no suffix"),
        (["images/1.png", "masks/1.npy"], r"1\.npy: found \.npy, wanted one of .*\.geojson"),
        (["images/x1.png", "images/y.png", "masks/x1_mask.png"], r"x1_mask\.png: a mask without.*x1\.png"),
        (
            ["images/1.png", "masks/1.png", "test/masks/2.png"],
            r"2\.png: a mask without its image, wanted test/images/2",
        ),
    ],
)
def test_folder_refused(make, names, message):
    with pytest.raises(RequestError, match=message):
        folder.read(make(*names))


def test_a_missing_source(tmp_path):
    for reader in (glas, crag, folder):
        with pytest.raises(RequestError, match="not found"):
            reader.read(Path(tmp_path / "nosuch"))
