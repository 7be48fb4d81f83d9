"""Masks in every form in which owners store them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import label as reference_label

from custom.targets import instance_ids

LABELS = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 0, 1, 3, 255])
)


@pytest.mark.parametrize("value", [1, 255, 7])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_a_mask_with_one_value_is_split_into_pieces(value, dtype):
    mask = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [1, 0, 1, 0]], dtype=dtype) * dtype(value)
    # The piece in the middle touches the first one at a corner only: another gland.
    assert instance_ids(mask).tolist() == [[1, 1, 0, 0], [0, 0, 2, 0], [3, 0, 2, 0]]


def test_ids_keep_their_pieces_and_their_order():
    label = np.array([[9, 0, 4], [9, 0, 9]], dtype=np.uint16)
    assert instance_ids(label).tolist() == [[2, 0, 1], [2, 0, 2]]


def test_an_empty_mask_and_a_full_one():
    assert instance_ids(np.zeros((2, 3))).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert instance_ids(np.ones((2, 2), dtype=bool)).tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("shape", [(3, 4), (1, 3, 4)])
def test_the_channel_axis_is_kept_and_tensors_are_read(shape):
    ids = instance_ids(torch.ones(shape))
    assert ids.shape == shape
    assert ids.dtype == np.int32


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (np.zeros((3, 4, 4)), "shape"),
        (np.zeros(4), "shape"),
        (np.zeros((0, 4)), "shape"),
        (np.full((2, 2), 0.5), "whole"),
        (np.full((2, 2), np.nan), "whole"),
        (np.full((2, 2), -1), ">= 0"),
    ],
)
def test_what_is_no_label_is_refused(label, message):
    with pytest.raises(ValueError, match=message):
        instance_ids(label)


@given(LABELS)
def test_ids_are_a_numbering_of_the_mask(label):
    before = label.copy()
    ids = instance_ids(label)
    assert np.array_equal(label, before)
    assert np.array_equal(ids > 0, label > 0)
    assert np.array_equal(np.unique(ids[ids > 0]), np.arange(1, ids.max() + 1))
    values = np.unique(label[label > 0])
    # Oracles: scikit-image for the pieces, one value at a time for the ids.
    if len(values) == 1:
        assert np.array_equal(ids, reference_label(label > 0, connectivity=1))
    for number, value in enumerate(values, start=1):
        if len(values) > 1:
            assert np.array_equal(ids == number, label == value)
    if ids.max() != 1:
        assert np.array_equal(instance_ids(ids), ids)
