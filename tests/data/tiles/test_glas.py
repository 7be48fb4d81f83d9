"""The owner's layout, as a stand-in of empty files: the reader looks at names only."""

import pytest

from custom.checks import RequestError
from custom.data.tiles import glas

GRADE = (
    "name,patient ID, grade (GlaS), grade (Sirinukunwattana et al. 2015)\r\n"
    "testA_1,4, benign, adenomatous\r\ntestB_1,5, benign, healthy\r\n"
    "train_1, 2, benign, healthy\r\ntrain_2,11, malignant, moderately differentated\r\n"
)
GLAS = [f"{name}{mask}.bmp" for name in ("train_1", "train_2", "testA_1", "testB_1") for mask in ("", "_anno")]
TOP = "Warwick QU Dataset (Released 2016_07_08)"


@pytest.mark.parametrize("top", ["", f"{TOP}/", f"a/b/{TOP}/"])
def test_glas(make, listed, tmp_path, top):
    source = make(*(top + name for name in [*GLAS, "readme.txt"]))
    (source / top / "Grade.csv").write_bytes(GRADE.encode())
    assert listed(glas.read(source)) == {
        "train_1": ("training", "train_1", "train_1_anno", "2"),
        "train_2": ("training", "train_2", "train_2_anno", "11"),
        "testA_1": ("testA", "testA_1", "testA_1_anno", "4"),
        "testB_1": ("testB", "testB_1", "testB_1_anno", "5"),
    }


def test_glas_without_tests_and_grades(make, listed):
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


def test_a_missing_source(tmp_path):
    with pytest.raises(RequestError, match="not found"):
        glas.read(tmp_path / "nosuch")
