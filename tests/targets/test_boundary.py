"""Boundary bands and the released code's outer ring, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from custom.targets import boundary_band, outer_ring, signed_distance


def test_the_band_reaches_half_its_width_to_each_side():
    distance = np.array([[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]])
    assert boundary_band(distance, boundary_um=3.0).tolist() == [[0, 1, 1, 1, 1, 0]]
    assert boundary_band(distance, boundary_um=2.9).tolist() == [[0, 0, 1, 1, 0, 0]]
    assert boundary_band(distance, boundary_um=3.0).dtype == np.uint8


def test_the_band_runs_between_touching_glands():
    distance = signed_distance(np.array([[1, 1, 1, 2, 2, 2]]), mpp=1.0)
    assert boundary_band(distance, boundary_um=1.0).tolist() == [[0, 0, 1, 1, 0, 0]]
    as_one = signed_distance(np.ones((1, 6)), mpp=1.0)
    assert boundary_band(as_one, boundary_um=1.0).sum() == 0


def test_the_ring_by_hand():
    # A disk of radius 1 around one pixel is a cross; without the pixel, its four neighbours.
    mask = np.zeros((1, 5, 5), dtype=np.uint8)
    mask[0, 2, 2] = 255
    ring = outer_ring(mask, width_px=1)
    assert ring.shape == (1, 5, 5)
    assert np.argwhere(ring[0]).tolist() == [[1, 2], [2, 1], [2, 3], [3, 2]]
    # Radius 2: the 13 pixels with dy^2 + dx^2 <= 4, less the pixel itself.
    assert outer_ring(mask).sum() == 12


@given(hnp.arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 8))), st.integers(1, 3))
def test_the_ring_is_what_lies_within_its_width_outside_the_mask(mask, width_px):
    inside = np.argwhere(mask)
    expected = [
        not mask[tuple(at)] and len(inside) > 0 and bool((((inside - at) ** 2).sum(axis=1) <= width_px**2).any())
        for at in np.argwhere(np.ones_like(mask))
    ]
    assert np.array_equal(outer_ring(mask, width_px).ravel(), expected)


def test_sizes_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="boundary_um must be > 0"):
        boundary_band(np.zeros((2, 2)), 0.0)
    with pytest.raises(ValueError, match="width_px must be >= 1"):
        outer_ring(np.zeros((2, 2)), 0)
    with pytest.raises(ValueError, match="shape"):
        outer_ring(np.zeros((3, 2, 2)))
