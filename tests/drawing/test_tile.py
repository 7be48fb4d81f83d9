import numpy as np
import pytest

from custom.drawing.tile import LABEL_COLOUR, PREDICTION_COLOUR, overlay


def _ids(height, width, box, value=1):
    ids = np.zeros((height, width), dtype=np.int32)
    ids[box] = value
    return ids


def test_outline_is_on_the_border_and_the_picture_stays_as_it_was():
    image = np.full((40, 60, 3), 200, dtype=np.uint8)
    drawn = overlay(image, _ids(40, 60, np.s_[10:30, 20:50]))
    blue = (drawn == PREDICTION_COLOUR).all(2)
    # A window of 3 sees two ids on the last pixel of either side of the border: rows 9, 10 and 29, 30.
    assert np.flatnonzero(blue[:, 35]).tolist() == [9, 10, 29, 30]
    assert np.flatnonzero(blue[20]).tolist() == [19, 20, 49, 50]
    assert (drawn[~blue] == 200).all()
    assert (image == 200).all()


def test_a_border_between_touching_glands_is_drawn():
    ids = _ids(40, 60, np.s_[:, :30]) + _ids(40, 60, np.s_[:, 30:], 2)
    drawn = overlay(np.zeros((40, 60, 3), dtype=np.uint8), ids)
    assert np.flatnonzero((drawn[20] == PREDICTION_COLOUR).all(1)).tolist() == [29, 30]


def test_label_shows_beside_the_prediction_where_both_agree():
    ids = _ids(40, 60, np.s_[10:30, 20:50])
    drawn = overlay(np.zeros((40, 60, 3), dtype=np.uint8), ids, ids)
    assert np.flatnonzero((drawn[:, 35] == PREDICTION_COLOUR).all(1)).tolist() == [9, 10, 29, 30]
    # The label's window of 5 reaches one pixel further on either side.
    assert np.flatnonzero((drawn[:, 35] == LABEL_COLOUR).all(1)).tolist() == [8, 11, 28, 31]


def test_missed_area_is_tinted_like_the_label_and_extra_area_like_the_prediction():
    label, found = _ids(60, 90, np.s_[10:50, 10:40]), _ids(60, 90, np.s_[10:50, 50:80])
    drawn = overlay(np.full((60, 90, 3), 100, dtype=np.uint8), found, label)
    # 0.6 * 100 + 0.4 * colour
    assert drawn[30, 25].tolist() == [round(60 + 0.4 * c) for c in LABEL_COLOUR]
    assert drawn[30, 65].tolist() == [round(60 + 0.4 * c) for c in PREDICTION_COLOUR]
    assert drawn[30, 45].tolist() == [100, 100, 100]


def test_lines_grow_with_the_picture():
    small, large = (
        (overlay(np.zeros((k, k, 3), np.uint8), _ids(k, k, np.s_[k // 2 :])) == PREDICTION_COLOUR).all(2)[:, 5].sum()
        for k in (500, 2000)
    )
    assert (small, large) == (2, 12 - 1)


@pytest.mark.parametrize(("image", "ids"), [((40, 60, 3), (60, 40)), ((40, 60), (40, 60)), ((40, 60, 4), (40, 60))])
def test_other_shapes_are_refused(image, ids):
    with pytest.raises(ValueError, match="got"):
        overlay(np.zeros(image, dtype=np.uint8), np.zeros(ids, dtype=np.int32))
