import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from custom.geometry.plane import plane

VALUES = np.arange(6).reshape(2, 3)


@pytest.mark.parametrize("make", [np.asarray, torch.tensor, MetaTensor, np.ndarray.tolist])
@pytest.mark.parametrize("lead", [(), (1,)])
def test_a_channel_axis_in_front_is_left_out(make, lead):
    found = plane(make(VALUES.reshape(*lead, 2, 3)))
    assert type(found) is np.ndarray
    assert np.array_equal(found, VALUES)


def test_an_array_is_looked_at_and_not_copied():
    assert np.shares_memory(plane(VALUES[None]), VALUES)


@pytest.mark.parametrize("shape", [(), (3,), (2, 4, 5), (1, 1, 4, 5), (0, 4), (1, 3, 0)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"an image plane is .*, got the shape"):
        plane(np.zeros(shape))
