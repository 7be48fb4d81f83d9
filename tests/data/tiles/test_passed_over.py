"""What lies in a user's folder and is not read is said; the American spelling is read."""

import pytest

from custom.checks import RequestError
from custom.data.tiles import folder


def test_unlabeled_as_the_americans_write_it(make, listed):
    source = make("images/a.png", "masks/a.png", "unlabeled/u.png")
    assert listed(folder.read(source))["unlabelled_u"] == ("unlabelled", "u", None, "")
    assert folder.passed_over(source) == []
    make("unlabelled/u.png")
    with pytest.raises(RequestError, match="has the same name as"):
        folder.read(source)


def test_folders_and_files_that_are_not_read(make):
    source = make(
        "images/a.png", "masks/a.png", "unlabeld/b.png", "unlabeld/c.png", "test/image/d.png", "slide.svs",
        "split.json", "patients.csv", "README.txt",
    )  # fmt: skip
    assert sorted(folder.passed_over(source)) == [
        "not read: slide.svs",
        "not read: test/image/ (1 files); did you mean test/images/ or test/masks/ or images/?",
        "not read: unlabeld/ (2 files); did you mean unlabeled/ or unlabelled/?",
    ]


def test_a_folder_of_almost_this_name(make):
    with pytest.raises(RequestError, match=r"no image in images/, .*; did you mean Images"):
        folder.read(make("Images/a.png", "masks/a.png"))
