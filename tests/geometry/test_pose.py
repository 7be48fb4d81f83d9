"""Thick slices are cut as they were taken, whatever their tilt, and turned nearest to axial ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from custom.geometry.turn import Turn, slice_axis, tilt_note

THICK = np.diag([1.5, 1.5, 10.0])


def tilted(axis, degrees, steps=THICK):
    affine = np.eye(4)
    affine[:3, :3] = (
        Rotation.from_rotvec(np.deg2rad(degrees) * np.array(axis) / np.linalg.norm(axis)).as_matrix() @ steps
    )
    return affine


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (1, -1, 0), (1, 1, 0)])
@pytest.mark.parametrize("degrees", [0, 40, 50, 70, -70])
def test_a_tilted_stack_is_seen_as_the_one_that_is_not(axis, degrees):
    assert Turn.of(tilted(axis, degrees)) == Turn((0, 1, 2), (False, False, False))


@pytest.mark.parametrize(
    ("degrees", "said"),
    [(0, ""), (40, ""), (50, "back to front, not feet to head"), (90, "which end comes first is a guess")],
)
def test_what_is_not_axial_is_said(degrees, said):
    note = tilt_note(tilted((1, 0, 0), degrees))
    assert said in note
    assert bool(note) == bool(said)


def test_a_sagittal_stack_is_the_same_however_it_is_stored():
    # Stored front, head, right: the slices follow each other to the right, and of y the front is left.
    affine = np.array([[0, 0, 5.0, 0], [1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 0, 1]])
    turn = Turn.of(affine)
    values = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    upright = turn.apply(values)
    flipped = affine @ np.diag([-1, 1, -1, 1])
    assert np.array_equal(Turn.of(flipped).apply(values[::-1, :, ::-1]), upright)
    # y to the front and z to the right: x to the feet, that the three are right-handed
    directions = turn.affine(affine, values.shape)[:3, :3]
    assert np.array_equal(np.sign(directions), [[0, 0, 1], [0, 1, 0], [-1, 0, 0]])


def test_only_clearly_thicker_slices_count():
    assert slice_axis(np.diag([1.0, 1.0, 1.9, 1.0])) is None
    assert slice_axis(np.diag([3.0, 1.0, 1.4, 1.0])) == 0
    assert slice_axis(np.diag([3.0, 1.0, 1.6, 1.0])) is None


def test_a_tie_keeps_the_order_of_the_file_whatever_the_rounding():
    # Turned by 60 degrees about (1, 1, 1), each axis lies as near to the next one as to its own.
    for degrees in (59.999, 60.0, 60.001):
        affine = tilted((1, 1, 1), degrees, np.eye(3)).astype(np.float32)
        assert Turn.of(affine) == Turn((0, 1, 2), (False, False, False))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**16), st.tuples(*[st.sampled_from([0.3, 1.0, 1.0, 9.0])] * 3), st.integers(0, 7))
def test_a_turn_is_undone_exactly_and_right_handed(seed, steps, flips):
    affine = np.eye(4)
    signs = [1 - 2 * (flips >> bit & 1) for bit in range(3)]
    affine[:3, :3] = Rotation.random(random_state=seed).as_matrix() * np.multiply(steps, signs)
    values = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    turn = Turn.of(affine)
    assert np.array_equal(turn.undo(turn.apply(values)), values)
    assert np.linalg.det(turn.affine(affine, values.shape)[:3, :3]) > 0
