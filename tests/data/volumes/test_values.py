import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom.checks import RequestError
from custom.data.volumes.values import check_intensity, check_labels, check_one_piece, check_spacing, is_pair

LABELS = {1: "liver", 7: "spleen"}
NUMBERS = st.floats(0.01, 50)


def refused(check, *values):
    with pytest.raises(RequestError) as caught:
        check(*values)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_labels_ascend_as_numbers():
    assert list(check_labels({"10": "b", "9": "a"}).items()) == [(9, "a"), (10, "b")]
    assert len(check_labels({str(n): str(n) for n in range(1, 255)})) == 254


@given(st.dictionaries(st.integers(1, 10**9 - 1), st.uuids().map(str), min_size=1, max_size=20))
def test_any_ids_and_names_are_taken(labels):
    found = check_labels({str(one): name for one, name in labels.items()})
    assert found == labels
    assert list(found) == sorted(labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({}, "labels: found {}, wanted ids and names"),
        (None, "labels: found None, wanted ids and names"),
        (["liver"], "labels: found ['liver']"),
        ({"0": "background"}, "labels: found the id '0', wanted a positive whole number (0 is the background)"),
        ({"-1": "a"}, "labels: found the id '-1'"),
        ({"1.0": "a"}, "labels: found the id '1.0'"),
        ({"01": "a"}, "labels: found the id '01'"),
        ({"1\n": "a"}, "labels: found the id '1\\n'"),
        ({"1": ""}, "labels: found '' for 1, wanted a name"),
        ({"1": " "}, "labels: found ' ' for 1, wanted a name"),
        ({"1": 3}, "labels: found 3 for 1, wanted a name"),
        ({"1": "a", "2": "a"}, "labels: found 'a' twice"),
        ({str(n): str(n) for n in range(1, 300)}, "labels: found 299, wanted at most 254"),
    ],
)
def test_labels_that_are_none(labels, message):
    assert message in refused(check_labels, labels)


@given(NUMBERS, NUMBERS)
def test_a_spacing_is_two_lengths(one, other):
    assert check_spacing([one, other]) == (one, other)


@pytest.mark.parametrize("spacing", [[1.5], [1.5, 0], [1.5, 51], [1.5, True], [1.5, float("nan")], 2, None, ["1", 2]])
def test_spacings_that_are_none(spacing):
    message = f"spacing: found {spacing!r}, wanted two lengths in mm between 0.01 and 50.0"
    assert refused(check_spacing, spacing) == message


def test_organs_in_one_piece_ascend():
    assert check_one_piece([7, 1], LABELS) == [1, 7]
    assert check_one_piece([], LABELS) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1, "one_piece: found 1, wanted a list of ids of labels such as [1, 2]"),
        ([1, 2], "one_piece: found 2 in [1, 2], wanted ids of labels [1, 7], each once"),
        ([0], "one_piece: found 0 in [0], wanted ids of labels"),
        (["1"], "one_piece: found '1' in ['1'], wanted ids of labels"),
        ([True], "one_piece: found True in [True], wanted ids of labels"),
        ([7.0], "one_piece: found 7.0 in [7.0], wanted ids of labels"),
        ([[1]], "one_piece: found [1] in [[1]], wanted ids of labels"),
        ([7, 1, 7], "one_piece: found 7 in [7, 1, 7], wanted ids of labels [1, 7], each once"),
    ],
)
def test_pieces_that_are_none(value, message):
    assert message in refused(check_one_piece, value, LABELS)


def test_intensities_are_numbers_and_other_keys_are_left_out():
    assert check_intensity("ct", {"window_hu": [-125, 275], "cases": [1, 2]}) == {"window_hu": [-125.0, 275.0]}
    [values] = check_intensity("ct", {"percentiles": [0, 100]}).values()
    assert values == [0.0, 100.0]
    assert all(type(one) is float for one in values)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "modality 'x': found neither, wanted one of window_hu and percentiles"),
        (3, "modality 'x': found neither"),
        ({"window_hu": [0, 1], "percentiles": [0, 1]}, "modality 'x': found window_hu and percentiles, wanted one of"),
        ({"window_hu": [275, -125]}, "found window_hu [275, -125], wanted two numbers in HU, low < high"),
        ({"window_hu": [5, 5]}, "found window_hu [5, 5]"),
        ({"window_hu": [0, float("inf")]}, "found window_hu [0, inf]"),
        ({"window_hu": "ab"}, "found window_hu 'ab'"),
        ({"percentiles": [-1, 99]}, "found percentiles [-1, 99], wanted two numbers, 0 <= low < high <= 100"),
        ({"percentiles": [1, 101]}, "found percentiles [1, 101]"),
        ({"percentiles": [99, 1]}, "found percentiles [99, 1]"),
    ],
)
def test_intensities_that_are_none(value, message):
    assert message in refused(check_intensity, "x", value)


@pytest.mark.parametrize("value", [[1, 2], [0.5, -3], [2, 2]])
def test_pairs(value):
    assert is_pair(value)


@pytest.mark.parametrize("value", [(1, 2), [1], [1, 2, 3], [1, "2"], [1, None], [True, 2], [1, float("nan")], "12"])
def test_what_is_no_pair(value):
    assert not is_pair(value)
