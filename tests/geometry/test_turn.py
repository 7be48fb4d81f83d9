"""Turns to RAS and back: by hand, against nibabel, and as properties."""

import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from scipy.spatial.transform import Rotation

from custom.geometry.turn import Turn

SHAPE = (2, 3, 4)
VOXELS = np.arange(24).reshape(SHAPE)


def affine_of(seed, order, signs, spacing, share):
    """Axes in an order and direction, turned by a share of any rotation."""
    rotation = Rotation.from_rotvec(Rotation.random(random_state=seed).as_rotvec() * share).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = (rotation * np.multiply(spacing, signs))[:, order]
    affine[:3, 3] = -20, 7, 30
    return affine


AFFINES = st.builds(
    affine_of,
    st.integers(0, 2**16), st.permutations(range(3)), st.tuples(*[st.sampled_from([-1, 1])] * 3),
    st.tuples(*[st.sampled_from([0.6, 0.8, 1.0])] * 3), st.sampled_from([0.0, 0.1]),
)  # fmt: skip


def test_by_hand():
    # The first axis runs to the feet, the second to the right, the third to the back.
    affine = np.array([[0.0, 2, 0, 5], [0, 0, -1, 7], [-3, 0, 0, 9], [0, 0, 0, 1]])
    turn = Turn.of(affine)
    # x is the second axis, y the third, z the first; y and z run the other way
    assert turn == Turn((1, 2, 0), (False, True, True))
    turned = turn.apply(VOXELS)
    assert turned.shape == (3, 4, 2)
    # at x 2, y 0, z 1 what the file has at (0, 2, 3): the most frontal of its third axis is its last
    assert turned[2, 0, 1] == VOXELS[0, 2, 3] == 11
    # the first voxel now is the file's (1, 0, 3): x 5, y 7 - 3 = 4, z 9 - 3 = 6
    assert turn.affine(affine, SHAPE).tolist() == [[2, 0, 0, 5], [0, 1, 0, 4], [0, 0, 3, 6], [0, 0, 0, 1]]
    assert np.array_equal(turn.undo(turned), VOXELS)


def test_what_is_upright_stays():
    turn = Turn.of(np.diag([2.0, 2, 5, 1]))
    assert turn == Turn((0, 1, 2), (False, False, False))
    assert np.array_equal(turn.apply(VOXELS), VOXELS)
    assert torch.equal(turn.apply(torch.tensor(VOXELS)), torch.tensor(VOXELS))


@settings(max_examples=200, deadline=None)
@given(AFFINES)
def test_arrays_and_tensors_are_turned_as_nibabel_turns_them(affine):
    want = nib.orientations.apply_orientation(VOXELS, nib.orientations.io_orientation(affine))
    turn = Turn.of(affine)
    assert np.array_equal(turn.apply(VOXELS), want)
    tensor = turn.apply(torch.tensor(VOXELS))
    assert isinstance(tensor, torch.Tensor)
    assert np.array_equal(tensor.numpy(), want)
    assert nib.aff2axcodes(turn.affine(affine, SHAPE)) == ("R", "A", "S")


@settings(max_examples=200, deadline=None)
@given(AFFINES, st.sampled_from([(), (5,), (2, 1)]))
def test_undo_is_the_exact_inverse_and_axes_in_front_stay(affine, lead):
    turn = Turn.of(affine)
    values = np.random.default_rng(0).random((*lead, *SHAPE))
    assert np.array_equal(turn.undo(turn.apply(values)), values)
    assert torch.equal(turn.undo(turn.apply(torch.tensor(values))), torch.tensor(values))
    turned = np.random.default_rng(1).random((*lead, *turn.apply(VOXELS).shape))
    assert np.array_equal(turn.apply(turn.undo(turned)), turned)
    for place in np.ndindex(lead):
        assert np.array_equal(turn.apply(values)[place], turn.apply(values[place]))


@settings(max_examples=100, deadline=None)
@given(AFFINES)
def test_each_voxel_keeps_its_place_in_the_world(affine):
    turn = Turn.of(affine)
    turned, there = turn.apply(VOXELS), turn.affine(affine, SHAPE)
    for index in np.ndindex(SHAPE):
        [place] = np.argwhere(turned == VOXELS[index])
        world = nib.affines.apply_affine(there, place)
        assert world == pytest.approx(nib.affines.apply_affine(affine, index), abs=1e-9)


def test_affines_may_be_tensors_and_of_any_precision():
    affine = np.diag([-1.0, 1, 5, 1])
    for given_affine in (affine.astype(np.float32), torch.tensor(affine), affine.tolist()):
        assert Turn.of(given_affine) == Turn((0, 1, 2), (True, False, False))


def test_a_tensor_keeps_its_kind():
    turn = Turn.of(np.diag([-1.0, -1, 1, 1]))
    assert isinstance(turn.apply(MetaTensor(torch.tensor(VOXELS))), MetaTensor)
    assert turn.apply(torch.tensor(VOXELS, dtype=torch.uint8)).dtype == torch.uint8


def test_torch_is_not_imported_for_arrays():
    body = "import sys; import custom.geometry.turn; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
