import logging

import pytest
from PIL import Image

from custom.checks import RequestError
from custom.data.tiles.inputs import listing, readable


def picture(path, mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (6, 4), 200 if mode == "L" else (200, 100, 150)).save(path)
    return str(path)


def test_pictures_of_subfolders_are_found_in_order(tmp_path):
    second, first = picture(tmp_path / "b" / "x.v1.png"), picture(tmp_path / "a.JPG")
    (tmp_path / "notes.txt").write_text("no picture")
    assert listing(tmp_path) == [first, second]
    assert listing(first) == [first]


def test_an_empty_folder_is_refused_by_name(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no picture")
    with pytest.raises(RequestError, match="empty: found no image"):
        listing(tmp_path / "empty")


def test_a_broken_picture_is_left_out_and_named(tmp_path, caplog):
    good, grey = picture(tmp_path / "good.png"), picture(tmp_path / "grey.png", "L")
    (tmp_path / "bad.png").write_bytes(b"nope")
    with caplog.at_level(logging.INFO):
        assert readable(listing(tmp_path)) == [{"image": good}, {"image": grey}]
    assert "bad.png" in caplog.text
    assert "grey.png: grey made RGB" in caplog.text


def test_where_none_can_be_read_it_is_an_error(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"nope")
    with pytest.raises(RequestError, match=r"bad\.png"):
        readable(listing(tmp_path))
