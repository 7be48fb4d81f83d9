import nibabel as nib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImaged
from scipy import ndimage

from custom.geometry.volume import resize, slice_size, to_ras
from custom.transforms import OrientAndResampled

TASKS = {"a": {"spacing": [1.0, 1.0]}, "b": {"spacing": [2.0, 2.0]}, "c": {"spacing": [0.7, 1.3]}}
AXES = ["RAS", "LAS", "LPS", "RPI", "PIR", "ASL", "SAL", "IPR"]


def asymmetric(shape=(12, 10, 7)):
    """One voxel for the right, two for the front, three for the head: no flip or turn maps it onto itself."""
    values = np.zeros(shape, np.float32)
    values[-1, 4, 3] = 1
    values[6, -2:, 3] = 2
    values[6, 4, -3:] = 3
    return values


def saved(path, values, spacing, axes):
    """The same patient, with the axes of the file in another order and direction."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -30, 20, 5
    turn = nib.orientations.ornt_transform(
        nib.orientations.io_orientation(affine), nib.orientations.axcodes2ornt(tuple(axes))
    )
    image = nib.Nifti1Image(values, affine).as_reoriented(turn)
    assert nib.aff2axcodes(image.affine) == tuple(axes)
    nib.save(image, path)


@pytest.mark.parametrize("axes", AXES)
def test_no_side_is_swapped_whatever_the_axes_of_the_file(tmp_path, axes):
    for key in ("image", "label"):
        saved(tmp_path / f"{key}.nii.gz", asymmetric(), (1.0, 1.0, 5.0), axes)
    load = Compose([
        LoadImaged(["image", "label"], ensure_channel_first=True), OrientAndResampled(["image", "label"], TASKS),
    ])  # fmt: skip
    item = load({key: str(tmp_path / f"{key}.nii.gz") for key in ("image", "label")} | {"task": "a"})
    for key in ("image", "label"):
        assert np.array_equal(item[key][0].numpy(), asymmetric())
        assert not isinstance(item[key], MetaTensor)


def test_a_rotated_patient_is_turned_to_the_nearest_axes(tmp_path):
    # 20 degrees about the head axis: no voxel moves, and the right stays on the right.
    angle = np.deg2rad(20)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-1.0, -1.0, 5.0])
    nib.save(nib.Nifti1Image(asymmetric()[::-1, ::-1].copy(), affine), tmp_path / "x.nii.gz")
    item = LoadImaged("image", ensure_channel_first=True)({"image": str(tmp_path / "x.nii.gz"), "task": "a"})
    assert np.array_equal(OrientAndResampled("image", TASKS)(item)["image"][0].numpy(), asymmetric())


def volume(values, spacing):
    return MetaTensor(torch.as_tensor(values)[None], affine=torch.diag(torch.tensor([*spacing, 1.0])))


def resampled(values, spacing, task, key="image"):
    return OrientAndResampled(["image", "label"], TASKS)({key: volume(values, spacing), "task": task})[key][0]


def test_slices_keep_their_thickness_and_get_the_spacing_of_the_task():
    # 40 * 1.5 / 2 = 30; 30 * 1.5 / 2 = 22.5, which is rounded to even.
    assert resampled(np.zeros((40, 30, 5), np.float32), (1.5, 1.5, 5.0), "b").shape == (30, 22, 5)
    # 40 * 1.5 / 0.7 = 85.7; 30 * 1.5 / 1.3 = 34.6
    assert resampled(np.zeros((40, 30, 5), np.float32), (1.5, 1.5, 5.0), "c").shape == (86, 35, 5)
    assert resampled(np.zeros((1, 1, 1), np.float32), (0.1, 0.1, 1.0), "b").shape == (1, 1, 1)


def test_a_ramp_stays_a_ramp():
    # Voxel i of 1 mm has its centre at i + 0.5 mm; of 2 mm at 2 i + 1 mm.
    ramp = np.broadcast_to((np.arange(16, dtype=np.float32) + 0.5)[:, None, None], (16, 16, 2)).copy()
    found = resampled(ramp, (1.0, 1.0, 5.0), "b")
    assert np.allclose(found[1:-1, 4, 0], 2 * np.arange(1, 7) + 1, atol=1e-5)
    back = resampled(np.asarray(found), (2.0, 2.0, 5.0), "a")
    assert np.allclose(back[4:-4, 8, 0], np.arange(4, 12) + 0.5, atol=1e-5)


def test_what_is_too_fine_is_smoothed_not_skipped():
    stripes = np.broadcast_to((np.arange(32) % 2).astype(np.float32)[:, None, None], (32, 32, 1)).copy()
    found = resampled(stripes, (1.0, 1.0, 1.0), "b")[2:-2]
    assert np.allclose(found, 0.5, atol=0.05)


def test_labels_take_the_nearest_voxel():
    rng = np.random.default_rng(0)
    label = ndimage.zoom(rng.integers(0, 14, (5, 4, 3)), (4, 4, 1), order=0).astype(np.uint8)
    found = resampled(label, (2.0, 2.0, 5.0), "a", "label")  # twice as many: each voxel twice
    assert found.dtype == torch.uint8
    assert np.array_equal(found, label.repeat(2, 0).repeat(2, 1))
    # A third as many: the middle one of each three.
    label = np.broadcast_to(np.arange(9, dtype=np.uint8)[:, None, None], (9, 3, 1)).copy()
    assert resampled(label, (2 / 3, 2 / 3, 5.0), "b", "label")[:, 0, 0].tolist() == [1, 4, 7]


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(AXES), st.sampled_from(list(TASKS)), st.integers(2, 19), st.floats(0.4, 3.0))
def test_training_sees_what_inference_sees(axes, task, side, step):
    values = np.random.default_rng(side).normal(size=(side, 11, 4)).astype(np.float32)
    affine = np.diag([step, 1.1, 5.0, 1.0])
    turn = nib.orientations.ornt_transform(
        nib.orientations.io_orientation(affine), nib.orientations.axcodes2ornt(tuple(axes))
    )
    image = nib.Nifti1Image(values, affine).as_reoriented(turn)
    voxels = torch.from_numpy(np.array(image.dataobj))[None]
    meta = MetaTensor(voxels, affine=torch.tensor(image.affine))
    found = OrientAndResampled("image", TASKS)({"image": meta, "task": task})["image"][0]
    turned = to_ras(voxels, image.affine)
    slices = resize(turned[0].as_tensor().permute(2, 0, 1)[:, None], slice_size(turned, TASKS[task]["spacing"]))
    assert torch.allclose(found, slices[:, 0].permute(1, 2, 0), atol=1e-6)


def test_what_is_no_volume():
    with pytest.raises(ValueError, match=r"image: got a Tensor of shape \(1, 2, 2, 2\), wanted a MetaTensor"):
        OrientAndResampled("image", TASKS)({"image": torch.zeros(1, 2, 2, 2), "task": "a"})
    with pytest.raises(ValueError, match=r"of shape \(2, 2, 2, 2\)"):
        OrientAndResampled("image", TASKS)({"image": MetaTensor(torch.zeros(2, 2, 2, 2)), "task": "a"})
