import numpy as np
import pytest

from custom.targets.organ_task import channels, class_counts, intensity_range, kept, organs

ABDOMEN = {
    "head": "abdomen",
    "modality": "ct",
    "labels": {"10": "liver", "2": "spleen", "1": "aorta"},
    "one_piece": [10],
    "spacing": [1.5, 1.5],
    "intensity": {"window_hu": [-125.0, 275.0]},
}
HEART = {"head": "heart", "modality": "mr", "labels": {"600": "ventricle"}}


def test_channels_follow_the_ids_as_numbers():
    # as texts "10" would come before "2"
    assert channels(ABDOMEN) == {0: 0, 1: 1, 2: 2, 10: 3}
    assert list(channels(ABDOMEN)) == [0, 1, 2, 10]
    assert channels(HEART) == {0: 0, 600: 1}


def test_organs_are_named_in_the_order_of_their_channels():
    assert organs(ABDOMEN) == ["aorta", "spleen", "liver"]
    assert organs(HEART) == ["ventricle"]


def test_background_counts_as_a_class():
    assert class_counts({"abdomen": ABDOMEN, "heart": HEART}) == [4, 2]
    assert class_counts({"heart": HEART, "abdomen": ABDOMEN}) == [2, 4]


def test_only_what_shapes_weights_is_kept():
    table = {"heart": HEART, "abdomen": ABDOMEN}
    found = kept(table)
    assert list(found) == ["heart", "abdomen"]
    assert found["abdomen"] == {"head": "abdomen", "modality": "ct", "labels": ABDOMEN["labels"]}
    assert found["heart"] == HEART
    assert kept(found) == found
    assert "spacing" in table["abdomen"]  # the table stays


def test_a_window_is_the_same_whatever_the_volume():
    for values in (np.array([-1000.0, 3000.0]), np.array([], np.int16), np.array([np.nan])):
        assert intensity_range(values, {"window_hu": [-125, 275]}) == (-125.0, 275.0)


@pytest.mark.parametrize(
    ("values", "percentiles", "expected"),
    [
        (np.arange(101).reshape(1, 101, 1), [10, 90], (10.0, 90.0)),
        (np.arange(101, dtype=np.float32), [0, 100], (0.0, 100.0)),
        (np.array([0.0, 10.0]), [25, 75], (2.5, 7.5)),  # between two values, along the line
        (np.array([np.nan, 0.0, np.inf, 10.0, -np.inf]), [25, 75], (2.5, 7.5)),
        (np.array([7, 7, 7], np.uint8), [1, 99], (7.0, 7.0)),
        (np.array([np.nan, np.inf]), [1, 99], (0.0, 0.0)),
        (np.zeros((0, 3), np.float32), [1, 99], (0.0, 0.0)),
    ],
)
def test_percentiles_by_hand(values, percentiles, expected):
    before = values.copy()
    found = intensity_range(values, {"percentiles": percentiles})
    assert found == pytest.approx(expected)
    assert all(type(one) is float for one in found)
    assert np.array_equal(values, before, equal_nan=values.dtype.kind == "f")
