"""Signed distances against sums by hand and against a loop over all pairs of pixels."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from custom.targets import clip_distance, signed_distance, signed_distance_per_image

IDS = hnp.arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 0, 1, 2, 7]))


def slow_distance(ids, mpp):
    """The definition: to the nearest pixel that is not of the same gland (inside) or that is of any gland (outside)."""
    where = np.argwhere(np.ones(ids.shape))
    out = np.empty(ids.shape)
    for here in where:
        own = ids[tuple(here)]
        across = [there for there in where if (ids[tuple(there)] > 0 if own == 0 else ids[tuple(there)] != own)]
        nearest = min((np.hypot(*(here - there)) for there in across), default=sum(ids.shape) + 0.5)
        out[tuple(here)] = (nearest - 0.5) * mpp * (1 if own else -1)
    return out


def test_a_strip_by_hand():
    # Pixels of 2 µm. Gland in columns 2 to 4. Centre to centre across the border, less half a pixel, times 2:
    # outside 2 -> 1.5 * 2 = 3, 1 -> 0.5 * 2 = 1; inside 1 -> 0.5 * 2 = 1, 2 -> 1.5 * 2 = 3.
    distance = signed_distance(np.array([[0, 0, 1, 1, 1, 0]]), mpp=2.0)
    assert distance.tolist() == [[-3, -1, 1, 3, 1, -1]]
    assert distance.dtype == np.float32


def test_touching_glands_have_the_border_between_them():
    # As one gland the middle would be 3.5 deep; as two, columns 2 and 3 are each half a pixel from their border.
    distance = signed_distance(np.array([[0, 1, 1, 2, 2, 2, 0]]), mpp=1.0)
    assert distance.tolist() == [[-0.5, 0.5, 0.5, 0.5, 1.5, 0.5, -0.5]]


def test_the_border_of_the_image_is_no_border_of_a_gland():
    assert signed_distance(np.array([[1, 1, 1, 0]]), mpp=1.0).tolist() == [[2.5, 1.5, 0.5, -0.5]]


def test_an_empty_image_and_a_full_one():
    # (h + w) * mpp = (2 + 3) * 0.5 = 2.5
    assert signed_distance(np.zeros((2, 3), dtype=np.uint8), mpp=0.5).tolist() == [[-2.5] * 3] * 2
    assert signed_distance(np.full((2, 3), 4), mpp=0.5).tolist() == [[2.5] * 3] * 2
    assert clip_distance(signed_distance(np.zeros((2, 3)), 1.0), 5.0).tolist() == [[-1.0] * 3] * 2
    assert clip_distance(signed_distance(np.ones((2, 3)), 1.0), 5.0).tolist() == [[1.0] * 3] * 2


def test_two_glands_that_fill_the_image():
    assert signed_distance(np.array([[1, 1, 2]]), mpp=1.0).tolist() == [[1.5, 0.5, 0.5]]


@given(IDS, st.sampled_from([0.5, 1.0, 3.0]))
def test_against_the_definition(ids, mpp):
    before = ids.copy()
    distance = signed_distance(ids, mpp)
    assert np.allclose(distance, slow_distance(ids, mpp), atol=1e-5)
    assert np.array_equal(distance > 0, ids > 0)
    assert np.all(np.abs(distance) >= 0.5 * mpp)
    assert np.array_equal(ids, before)


@given(IDS)
def test_turning_the_image_turns_the_distance_and_ids_do_not_matter(ids):
    distance = signed_distance(ids, 1.0)
    assert np.array_equal(signed_distance(ids.T, 1.0), distance.T)
    assert np.array_equal(signed_distance(np.where(ids > 0, 10 - ids, 0), 1.0), distance)


def test_the_channel_axis_is_kept_and_tensors_are_read():
    label = torch.zeros(1, 4, 5, dtype=torch.int32)
    label[0, 1:3, 2] = 1
    assert signed_distance(label, 1.0).shape == (1, 4, 5)
    assert np.array_equal(signed_distance(label, 1.0)[0], signed_distance(label[0], 1.0))
    assert signed_distance_per_image(label).shape == (1, 4, 5)


def test_clip_by_hand():
    # d / 4 cut at 1: -10 -> -1, -2 -> -0.5, 3 -> 0.75, 4 -> 1, 9 -> 1
    clipped = clip_distance(np.array([[-10.0, -2.0, 3.0, 4.0, 9.0]]), distance_um=4.0)
    assert clipped.tolist() == [[-1, -0.5, 0.75, 1, 1]]
    assert clipped.dtype == np.float32


def test_the_papers_distance_by_hand():
    # Inside distances 1 2 3 2 1 over 3, the inner border set to 0: 0 2/3 1 2/3 0. Outside 2 1 and 1, over 2.
    distance = signed_distance_per_image(np.array([[0, 0, 5, 5, 9, 9, 9, 0]]))
    assert np.allclose(distance, [[-1, -0.5, 0, 2 / 3, 1, 2 / 3, 0, -0.5]])
    assert distance.dtype == np.float32


@given(IDS)
def test_the_papers_distance_is_safe_where_a_side_is_empty_or_thin(ids):
    distance = signed_distance_per_image(ids)
    assert np.isfinite(distance).all()
    assert distance.min() >= -1
    assert distance.max() <= 1
    assert np.all(distance[ids == 0] < 0)
    assert np.all(distance[ids > 0] >= 0)


def test_the_papers_distance_of_an_empty_image_and_a_full_one():
    assert signed_distance_per_image(np.zeros((2, 2))).tolist() == [[-1, -1], [-1, -1]]
    assert signed_distance_per_image(np.ones((2, 2))).tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("bad", [0, -1.0, float("nan")])
def test_sizes_that_make_no_sense_are_refused(bad):
    with pytest.raises(ValueError, match="mpp must be > 0"):
        signed_distance(np.ones((2, 2)), bad)
    with pytest.raises(ValueError, match="distance_um must be > 0"):
        clip_distance(np.ones((2, 2)), bad)


@pytest.mark.parametrize(
    "label", [np.zeros((3, 4, 4)), np.full((2, 2), -1), np.full((2, 2), 0.5), np.full((2, 2), np.nan)]
)
def test_what_is_no_label_is_refused(label):
    with pytest.raises(ValueError, match=r"shape|whole"):
        signed_distance(label, 1.0)
