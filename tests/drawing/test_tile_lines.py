import numpy as np
import pytest

from custom.drawing.tile import tile_overlay


@pytest.mark.parametrize(("side", "most"), [(400, 3), (1000, 6), (4000, 10)])
def test_lines_do_not_hide_what_they_border(side, most):
    ids = np.zeros((side, side), np.int32)
    ids[:, side // 2 :] = 1
    drawn = tile_overlay(np.zeros((side, side, 3), np.uint8), ids)
    width = int((drawn[side // 2] != 0).any(axis=-1).sum())
    assert 2 <= width <= most
