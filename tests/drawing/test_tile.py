import numpy as np
import pytest

from custom.drawing.colours import OUTLINE, PREDICTION, REFERENCE
from custom.drawing.tile import tile_cell, tile_overlay


def _ids(height, width, box, value=1):
    ids = np.zeros((height, width), dtype=np.int32)
    ids[box] = value
    return ids


def test_outline_is_on_the_border_and_the_picture_stays_as_it_was():
    image = np.full((40, 60, 3), 200, dtype=np.uint8)
    drawn = tile_overlay(image, _ids(40, 60, np.s_[10:30, 20:50]))
    blue = (drawn == PREDICTION).all(2)
    # A window of 3 sees two ids on the last pixel of either side of the border: rows 9, 10 and 29, 30.
    assert np.flatnonzero(blue[:, 35]).tolist() == [9, 10, 29, 30]
    assert np.flatnonzero(blue[20]).tolist() == [19, 20, 49, 50]
    assert (drawn[~blue] == 200).all()
    assert (image == 200).all()


def test_a_border_between_touching_glands_is_drawn():
    ids = _ids(40, 60, np.s_[:, :30]) + _ids(40, 60, np.s_[:, 30:], 2)
    drawn = tile_overlay(np.zeros((40, 60, 3), dtype=np.uint8), ids)
    assert np.flatnonzero((drawn[20] == PREDICTION).all(1)).tolist() == [29, 30]


def test_label_shows_beside_the_prediction_where_both_agree():
    ids = _ids(40, 60, np.s_[10:30, 20:50])
    drawn = tile_overlay(np.zeros((40, 60, 3), dtype=np.uint8), ids, ids)
    assert np.flatnonzero((drawn[:, 35] == PREDICTION).all(1)).tolist() == [9, 10, 29, 30]
    # The label's window of 5 reaches one pixel further on either side.
    assert np.flatnonzero((drawn[:, 35] == REFERENCE).all(1)).tolist() == [8, 11, 28, 31]


def test_missed_area_is_tinted_like_the_label_and_extra_area_like_the_prediction():
    label, found = _ids(60, 90, np.s_[10:50, 10:40]), _ids(60, 90, np.s_[10:50, 50:80])
    drawn = tile_overlay(np.full((60, 90, 3), 100, dtype=np.uint8), found, label)
    # 0.6 * 100 + 0.4 * colour
    assert drawn[30, 25].tolist() == [round(60 + 0.4 * c) for c in REFERENCE]
    assert drawn[30, 65].tolist() == [round(60 + 0.4 * c) for c in PREDICTION]
    assert drawn[30, 45].tolist() == [100, 100, 100]


def test_lines_grow_with_the_picture():
    small, large = (
        (tile_overlay(np.zeros((k, k, 3), np.uint8), _ids(k, k, np.s_[k // 2 :])) == PREDICTION).all(2)[:, 5].sum()
        for k in (500, 2000)
    )
    # three times as broad at most: of a large picture a part is looked at
    assert (small, large) == (2, 9 - 1)


@pytest.mark.parametrize(("image", "ids"), [((40, 60, 3), (60, 40)), ((40, 60), (40, 60)), ((40, 60, 4), (40, 60))])
def test_other_shapes_are_refused(image, ids):
    with pytest.raises(ValueError, match="got"):
        tile_overlay(np.zeros(image, dtype=np.uint8), np.zeros(ids, dtype=np.int32))


def test_a_cell_shows_the_outline_of_each_instance():
    ids = np.zeros((96, 192), np.int32)
    ids[10:50, 20:60] = 1
    ids[10:50, 60:100] = 2
    picture = np.asarray(tile_cell(np.full((96, 192, 3), 200, np.uint8), ids, "x").picture)
    assert picture.shape == (96, 192, 3)
    green = (picture == OUTLINE).all(axis=-1)
    # Two squares of 40, each with a rim of 4 * 39 pixels, inside the mask; they touch, and the rim shows between them.
    assert green.sum() == 2 * 4 * 39
    assert not green[ids == 0].any()
    assert green[30, 59]
    assert green[30, 60]


def test_a_cell_without_outlines_is_the_image():
    rgb = np.random.default_rng(0).integers(0, 256, (96, 192, 3), np.uint8)
    assert np.array_equal(np.asarray(tile_cell(rgb, None, "x").picture), rgb)


def test_a_cell_keeps_the_shape_of_its_image():
    for shape in ((522, 775), (775, 522), (1, 3000)):
        cell = tile_cell(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.int32), "x")
        assert max(cell.picture.size) == 192
        assert abs(cell.picture.width - 192 * shape[1] / max(shape)) <= 1
