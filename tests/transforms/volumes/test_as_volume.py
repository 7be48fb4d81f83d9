import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImaged
from PIL import Image

from custom.checks import RequestError
from custom.data.record import Record
from custom.data.source_file import SourceFile
from custom.data.volumes.files import load_volumes
from custom.transforms import AsVolumed

TASKS = {"a": {"spacing": [1.5, 2.0]}}
LOAD = Compose([LoadImaged("image", ensure_channel_first=True), AsVolumed("image", TASKS)])


def loaded(path):
    return LOAD({"image": str(path), "task": "a"})["image"]


@pytest.mark.parametrize("kind", ["L", "RGB", "LA", "I;16", "1"])
def test_a_picture_is_seen_as_the_checks_see_it(tmp_path, kind):
    grey = np.arange(30, dtype=np.uint8).reshape(5, 6) * 8  # h 5, w 6
    if kind == "RGB":
        picture = Image.fromarray(np.stack([grey] * 3, -1))
    elif kind == "LA":
        picture = Image.fromarray(np.stack([grey, np.full_like(grey, 255)], -1))
    elif kind == "I;16":
        picture = Image.fromarray(grey.astype(np.uint16) * 100)
    else:
        picture = Image.fromarray(grey).convert(kind)
    picture.save(tmp_path / "x.png")
    volume = loaded(tmp_path / "x.png")
    want = load_volumes(Record("x", "", SourceFile(tmp_path / "x.png"), None), [], (1.5, 2.0)).image
    assert volume.shape == (1, 6, 5, 1)
    assert np.array_equal(volume[0].numpy(), want.values)
    assert np.array_equal(volume.affine.numpy(), want.affine)
    assert nib.aff2axcodes(volume.affine.numpy())[:2] == ("L", "P")


def test_a_volume_stays_as_it_is(tmp_path):
    values = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
    affine = np.array([[0, 2.0, 0, 1], [-3, 0, 0, 2], [0, 0, 4, 3], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(values, affine), tmp_path / "x.nii.gz")
    volume = loaded(tmp_path / "x.nii.gz")
    assert np.array_equal(volume[0].numpy(), values)
    assert np.allclose(volume.affine.numpy(), affine)


def test_several_volumes_in_a_file_are_refused(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((4, 5, 3, 2), np.float32), np.eye(4)), tmp_path / "x.nii.gz")
    item = LoadImaged("image", ensure_channel_first=True)({"image": str(tmp_path / "x.nii.gz"), "task": "a"})
    with pytest.raises(RequestError, match=r"x\.nii\.gz: found 2 channels of 4 x 5 x 3 voxels, wanted one volume"):
        AsVolumed("image", TASKS)(item)


def test_the_item_is_not_changed_and_missing_keys_are_passed_over():
    item = {"image": MetaTensor(torch.rand(1, 4, 3)), "task": "a"}
    assert AsVolumed(["image", "label"], TASKS)(item)["image"].shape == (1, 4, 3, 1)
    assert item["image"].shape == (1, 4, 3)
