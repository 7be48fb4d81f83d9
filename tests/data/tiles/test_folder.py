"""A user's own folder, as a stand-in of empty files: the reader looks at names only."""

import pytest

from custom.checks import RequestError
from custom.data.tiles import folder


def test_folder(make, listed):
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
    with pytest.raises(RequestError, match="not found"):
        folder.read(tmp_path / "nosuch")
