"""Surface distances by hand and against a loop over all pairs of outline pixels."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from custom.metrics import surface_distances


def test_two_lines_by_hand():
    # Columns 2 and 6 of a 20 x 9 image: every pixel is 4 pixels of 0.5 µm from the other line.
    prediction, label = np.zeros((2, 20, 9), dtype=np.uint8)
    prediction[:, 2], label[:, 6] = 1, 1
    assert surface_distances(prediction, label, mpp=0.5) == pytest.approx({"hd95_um": 2.0, "asd_um": 2.0})


def test_one_pixel_against_three_by_hand():
    # Distances from the pixel: 0. From the three: 0, 1, 2. ASD (0 + 0 + 1 + 2) / 4 = 0.75.
    # HD95: the 95th percentile of 0, 1, 2 is at place 0.95 * 2 = 1.9: 1.9.
    prediction, label = np.array([[1, 0, 0, 0]]), np.array([[255, 255, 255, 0]])
    assert surface_distances(prediction, label, mpp=1.0) == pytest.approx({"hd95_um": 1.9, "asd_um": 0.75})


def test_empty_masks():
    empty, ids = np.zeros((3, 4)), np.eye(3, 4)
    assert surface_distances(empty, empty, 2.0) == {"hd95_um": 0.0, "asd_um": 0.0}
    # The diagonal: 5 pixels of 2 µm.
    assert surface_distances(ids, empty, 2.0) == {"hd95_um": 10.0, "asd_um": 10.0}
    assert surface_distances(empty, ids, 2.0) == {"hd95_um": 10.0, "asd_um": 10.0}


def slow_distances(prediction, label, mpp):
    def outline(mask):
        padded = np.pad(mask, 1)
        steps = ((-1, 0), (1, 0), (0, -1), (0, 1))
        return [at for at in np.argwhere(mask) if any(not padded[tuple(at + 1 + step)] for step in steps)]

    ours, theirs = outline(prediction), outline(label)
    there = [min(math.dist(x, y) for y in theirs) * mpp for x in ours]
    back = [min(math.dist(x, y) for x in ours) * mpp for y in theirs]
    return {"hd95_um": max(np.quantile(there, 0.95), np.quantile(back, 0.95)), "asd_um": np.mean(there + back)}


MASK = hnp.arrays(bool, (6, 7), elements=st.booleans()).filter(np.any)


@settings(deadline=None)
@given(MASK, MASK, st.sampled_from([0.5, 1.0, 2.0]))
def test_against_the_slow_loop(prediction, label, mpp):
    assert surface_distances(prediction, label, mpp) == pytest.approx(slow_distances(prediction, label, mpp), abs=1e-5)
    assert surface_distances(label, label, mpp) == {"hd95_um": 0.0, "asd_um": 0.0}


def test_tensors_with_a_channel_axis_are_read():
    mask = torch.zeros(1, 5, 6)
    mask[0, 2, 3] = 1
    assert surface_distances(mask, mask.int() * 7, 1.0) == {"hd95_um": 0.0, "asd_um": 0.0}


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="one shape"):
        surface_distances(np.zeros((2, 3)), np.zeros((3, 2)), 1.0)
    with pytest.raises(ValueError, match="one shape"):
        surface_distances(np.zeros((2, 2, 3)), np.zeros((2, 2, 3)), 1.0)
    with pytest.raises(ValueError, match="mpp must be > 0"):
        surface_distances(np.zeros((2, 3)), np.zeros((2, 3)), 0.0)
