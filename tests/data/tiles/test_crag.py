"""The owner's layout, as a stand-in of empty files: the reader looks at names only."""

import pytest

from custom.checks import RequestError
from custom.data.tiles import crag


@pytest.mark.parametrize("top", ["", "CRAG/", "CRAG_v2/CRAG/"])
def test_crag(make, listed, top):
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


def test_a_missing_source(tmp_path):
    with pytest.raises(RequestError, match="not found"):
        crag.read(tmp_path / "nosuch")
