import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor

from custom.transforms import ScaleByTaskd

TASKS = {"ct": {"intensity": {"window_hu": [-125, 275]}}, "mr": {"intensity": {"percentiles": [10.0, 90.0]}}}


def scaled(values, task):
    return ScaleByTaskd("image", TASKS)({"image": values, "task": task})["image"]


def test_a_window_in_hu():
    # (75 + 125) / 400 = 0.5
    found = scaled(torch.tensor([-1000.0, -125.0, -25.0, 75.0, 275.0, 3000.0]), "ct")
    assert found.tolist() == [0, 0, 0.25, 0.5, 1, 1]


def test_whole_numbers_become_float32():
    found = scaled(torch.tensor([-125, 75], dtype=torch.int16), "ct")
    assert found.dtype == torch.float32
    assert found.tolist() == [0, 0.5]


def test_percentiles_of_the_volume():
    # 0 to 100: the percentiles are 10 and 90.
    found = scaled(torch.arange(101.0).reshape(1, 101, 1, 1), "mr")[0, :, 0, 0]
    assert found[:11].tolist() == [0] * 11
    assert found[50].item() == pytest.approx(0.5)
    assert found[90:].tolist() == [1] * 11


@given(st.floats(0.01, 1e4), st.floats(-1e4, 1e4))
def test_the_scale_of_a_scanner_does_not_matter(scale, offset):
    values = np.random.default_rng(0).normal(size=(1, 9, 8, 7))
    want = scaled(torch.from_numpy(values), "mr")
    found = scaled(torch.from_numpy(values * scale + offset), "mr")
    assert torch.allclose(found, want, atol=1e-3 + 1e-6 * abs(offset) / scale)


def test_a_volume_of_one_value_becomes_0():
    assert not scaled(torch.full((1, 4, 4, 4), 7.0), "mr").any()


def test_voxels_that_are_no_numbers_become_0_and_count_for_nothing():
    values = torch.cat([torch.arange(101.0), torch.full((50,), float("nan"))])
    found = scaled(values, "mr")
    assert torch.equal(found[:101], scaled(torch.arange(101.0), "mr"))
    assert not found[101:].any()
    assert not scaled(torch.full((3,), float("nan")), "mr").any()
    assert scaled(torch.tensor([float("inf"), -float("inf"), float("nan")]), "ct").tolist() == [1, 0, 0]


def test_metadata_stays_and_the_item_is_not_changed():
    volume = MetaTensor(torch.full((1, 2, 2, 2), 75.0), affine=torch.eye(4) * 3)
    item = {"image": volume, "task": "ct"}
    found = ScaleByTaskd("image", TASKS)(item)["image"]
    assert torch.equal(found.affine, volume.affine)
    assert item["image"].max() == 75
