"""A link is an input by its own name, wherever what it points at lies."""

import pytest

from custom.checks import RequestError
from custom.inference import output_stems
from custom.inference.tiles.writer import ENDINGS


def test_links_below_the_folder(tmp_path):
    real = tmp_path / "elsewhere" / "real.png"
    real.parent.mkdir()
    real.touch()
    top = tmp_path / "in"
    (top / "x").mkdir(parents=True)
    for link in (top / "a.png", top / "x" / "b.png"):
        link.symlink_to(real)
    (top / "linked").symlink_to(real.parent)
    inputs = [top / "a.png", top / "x" / "b.png", top / "linked" / "real.png"]
    stems = output_stems(inputs, tmp_path / "out", top, ENDINGS)
    assert list(stems.values()) == [tmp_path / "out" / name for name in ("a", "x/b", "linked/real")]


def test_what_a_link_points_at_is_not_replaced(tmp_path):
    (tmp_path / "a_mask.png").touch()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.png").symlink_to(tmp_path / "a_mask.png")
    (tmp_path / "in" / "a.png").touch()
    with pytest.raises(RequestError, match="would replace the input"):
        output_stems([tmp_path / "in" / "a.png", tmp_path / "in" / "b.png"], tmp_path, tmp_path / "in", ENDINGS)
