"""Links, litter and names of other systems in a user's folder."""

import logging
import os
import unicodedata

import pytest

from custom.checks import RequestError
from custom.data.source_file import files_below, source_files


def touch(folder, *names):
    for name in names:
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb"):
            pass
    return folder


def test_litter_of_any_system(tmp_path):
    touch(
        tmp_path, "a.png", "Desktop.ini", "thumbs.db", "THUMBS.DB", "ehthumbs.db", ".DS_Store", "._a.png",
        "@eaDir/a.png/SYNOPHOTO_THUMB_M.jpg", "b/@eaDir/x.jpg", "a.png@SynoEAStream", "$RECYCLE.BIN/x.png",
        "#recycle/x.png", "System Volume Information/x.png", "__MACOSX/a.png", "Icon\r", "a.png:Zone.Identifier",
    )  # fmt: skip
    assert list(source_files(tmp_path)) == ["a.png"]


def test_links_are_followed_but_not_round_and_round(tmp_path):
    touch(tmp_path, "in/images/a.png", "in/b/c.png", "elsewhere/d.png")
    (tmp_path / "in" / "images" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "in" / "linked")
    assert list(source_files(tmp_path / "in")) == ["b/c.png", "images/a.png", "linked/d.png"]


def test_letters_with_accents_have_one_form(tmp_path):
    composed, apart = (unicodedata.normalize(form, "drüse.png") for form in ("NFC", "NFD"))
    (file,) = source_files(touch(tmp_path / "mac", apart)).values()
    assert (list(source_files(tmp_path / "mac")), file.stem) == ([composed], composed[:-4])
    assert file.read() == b""
    with pytest.raises(RequestError, match="two files whose names look the same"):
        source_files(touch(tmp_path / "both", composed, apart))


def test_a_name_that_is_no_text(tmp_path):
    with pytest.raises(RequestError, match=r"dr\\xfcse\.png: the name is no UTF-8") as caught:
        source_files(touch(tmp_path, b"dr\xfcse.png"))
    str(caught.value).encode()


def test_what_is_passed_over_is_named(tmp_path, caplog):
    touch(tmp_path, "a.png", "slide.svs", "x/b.jfif", "x/c.jp2", "d.qptiff", "e.mha")
    with caplog.at_level(logging.WARNING):
        assert files_below(tmp_path, [".png"], "image") == [str(tmp_path / "a.png")]
    assert "left out 5 files of other kinds: d.qptiff, e.mha, slide.svs and 2 more" in caplog.text


def test_results_of_an_earlier_run_are_no_inputs(tmp_path, caplog):
    touch(tmp_path, "a.png", "out/a_mask.png", "out/a_overlay.png", "outside/b.png")
    with caplog.at_level(logging.WARNING):
        found = files_below(tmp_path, [".png"], "image", tmp_path / "out")
    assert found == [str(tmp_path / "a.png"), str(tmp_path / "outside" / "b.png")]
    assert "left out 2 files of results: out/a_mask.png, out/a_overlay.png" in caplog.text
    # Beside or above the inputs, it says nothing of them.
    for output in (tmp_path, tmp_path.parent, tmp_path / ".." / "x", None):
        assert len(files_below(tmp_path, [".png"], "image", output)) == 4


@pytest.mark.parametrize("labels", ["masks", "labels"])
def test_labels_beside_images_are_no_inputs(tmp_path, caplog, labels):
    touch(tmp_path, "images/a.png", f"{labels}/a.png", "test/images/b.png", f"test/{labels}/p/b.png")
    touch(tmp_path, "contact_sheet.png", "datalist.json")
    with caplog.at_level(logging.WARNING):
        found = files_below(tmp_path, [".png"], "image")
    assert found == [str(tmp_path / "images" / "a.png"), str(tmp_path / "test" / "images" / "b.png")]
    assert f"left out 3 files that are labels: contact_sheet.png, {labels}/a.png" in caplog.text
    # Asked for by its name, a folder of labels is one of images.
    assert files_below(tmp_path / labels, [".png"], "image") == [str(tmp_path / labels / "a.png")]
