import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor

from custom.checks import RequestError
from custom.transforms import LabelChannelsd

TASKS = {"btcv": {"labels": {"3": "left kidney", "8": "aorta", "10": "vein"}}, "acdc": {"labels": {"1": "ventricle"}}}


def channels(values, task="btcv"):
    return LabelChannelsd("label", TASKS)({"label": values, "task": task})["label"]


def test_ids_become_channels_in_ascending_order_of_numbers():
    found = channels(torch.tensor([[0, 3], [8, 10]]))
    assert found.tolist() == [[0, 1], [2, 3]]
    assert found.dtype == torch.uint8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.uint8, torch.int16, torch.int64])
def test_any_type(dtype):
    assert channels(torch.tensor([0, 1, 0, 1], dtype=dtype), "acdc").tolist() == [0, 1, 0, 1]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=254, unique=True), st.randoms())
def test_any_table_agrees_with_a_search(ids, random):
    values = [random.choice([0, *ids]) for _ in range(50)]
    table = {"a": {"labels": {str(one): "x" for one in ids}}}
    found = LabelChannelsd("label", table)({"label": torch.tensor(values), "task": "a"})["label"]
    assert found.tolist() == [[0, *sorted(ids)].index(value) for value in values]


@pytest.mark.parametrize(
    ("value", "said"),
    [(5.0, "5"), (11.0, "11"), (-1.0, "-1"), (7.5, "7.5"), (3.5, "3.5"), (np.nan, "nan"), (1e12, "1e+12")],
)
def test_an_id_that_is_not_declared_is_named_with_its_file(value, said):
    volume = MetaTensor(torch.tensor([0.0, 3.0, value]), meta={"filename_or_obj": "/data/labels/x.nii.gz"})
    with pytest.raises(RequestError) as error:
        channels(volume)
    assert str(error.value) == f"/data/labels/x.nii.gz: found the value {said}, wanted the ids of btcv: 0, 3, 8, 10"


def test_metadata_and_other_keys_stay_and_the_item_is_not_changed():
    volume = MetaTensor(torch.tensor([[[3.0]]]), affine=torch.eye(4) * 2, meta={"filename_or_obj": "x"})
    item = {"label": volume, "task": "btcv", "image": 7}
    found = LabelChannelsd("label", TASKS)(item)
    assert found["image"] == 7
    assert torch.equal(found["label"].affine, volume.affine)
    assert item["label"].item() == 3.0
    assert LabelChannelsd("label", TASKS)({"task": "btcv"}) == {"task": "btcv"}  # an unlabelled item
