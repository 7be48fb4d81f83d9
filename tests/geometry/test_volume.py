"""Volumes turned to RAS and back, and their slices at another spacing, by hand and as properties."""

import nibabel as nib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from scipy.spatial.transform import Rotation

from custom.geometry.volume import from_ras, neighbours, slice_size, to_ras


def test_axes_are_swapped_and_flipped_by_hand():
    # Stored with the first axis to the feet, the second to the left: value 10 * first + second, one voxel deep.
    stored = torch.tensor([[0.0, 1, 2], [10, 11, 12]])[None, :, :, None]
    affine = np.array([[0.0, -2, 0, 5], [0, 0, 1, 7], [-3, 0, 0, 9], [0, 0, 0, 1]])
    turned = to_ras(stored, affine)
    # x runs to the right, so the other way along the second axis; z to the head, the other way along the first
    assert turned.shape == (1, 3, 1, 2)
    assert turned.as_tensor()[0, :, 0].tolist() == [[12, 2], [11, 1], [10, 0]]
    # the first voxel now is the 12, stored at (1, 2): x = 5 - 2 * 2 = 1, y = 7, z = 9 - 3 = 6
    assert turned.affine.tolist() == [[2, 0, 0, 1], [0, 1, 0, 7], [0, 0, 3, 6], [0, 0, 0, 1]]
    assert torch.equal(from_ras(turned.as_tensor(), affine), stored)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**16), st.permutations(range(3)), st.tuples(*[st.sampled_from([-1, 1])] * 3),
    st.tuples(*[st.sampled_from([0.5, 1.0, 3.0])] * 3),
)  # fmt: skip
def test_any_affine_turns_back_and_no_voxel_moves(seed, order, signs, spacing):
    """Flipped, swapped and rotated by any angle: voxels keep their places in the world, and their values."""
    affine = np.eye(4)
    rotation = Rotation.random(random_state=seed).as_matrix()
    affine[:3, :3] = (rotation * np.multiply(spacing, signs))[:, order]
    affine[:3, 3] = -20, 7, 30
    stored = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    turned = to_ras(stored, affine[None])
    linear = turned.affine.numpy()[:3, :3]
    # right-handed, and slices lie along the steps of 3 mm where the other two are of less
    assert np.linalg.det(linear) > 0
    steps = np.linalg.norm(linear, axis=0)
    assert steps[2] == pytest.approx(3) or sum(step == 3 for step in spacing) != 1
    assert torch.equal(from_ras(turned.as_tensor(), affine), stored)
    for index in ((0, 0, 0), (2, 1, 3)):
        place = np.argwhere(turned.as_tensor()[1].numpy() == float(stored[1][index]))[0]
        there = nib.affines.apply_affine(turned.affine.numpy(), place)
        assert there == pytest.approx(nib.affines.apply_affine(affine, index), abs=1e-4)


def test_only_volumes_are_turned():
    with pytest.raises(ValueError, match=r"\(t, x, y, z\) is needed, got \(3, 4, 5\)"):
        to_ras(torch.zeros(3, 4, 5), np.eye(4))


@pytest.mark.parametrize(("spacing", "size"), [((2.0, 2.0), (20, 22)), ((0.5, 3.0), (80, 15)), ((99.0, 99.0), (1, 1))])
def test_the_field_of_view_stays(spacing, size):
    # 40 mm and 45 mm: 45 / 2 = 22.5 is rounded to even
    volume = MetaTensor(torch.zeros(1, 40, 30, 4), affine=np.diag([1.0, 1.5, 5, 1]))
    assert slice_size(volume, spacing) == size


def test_a_slice_stands_between_its_neighbours():
    volume = torch.tensor([1.0, 2, 4, 8]).expand(3, 2, 4)
    slices = neighbours(volume, [0, 2, 3], (3, 2))
    assert slices.shape == (3, 3, 3, 2)
    assert slices[:, :, 1, 1].tolist() == [[1, 1, 2], [2, 4, 8], [4, 8, 8]]
    assert neighbours(volume[..., :1], [0], (3, 2))[0, :, 0, 0].tolist() == [1, 1, 1]
