import numpy as np
import pytest
import torch

from custom.transforms import ClassVoxelsd


def voxels(item, **options):
    return ClassVoxelsd(**options)(item)["class_voxels"]


def test_each_class_that_is_there_has_its_voxels():
    label = torch.zeros(1, 4, 3, 2, dtype=torch.uint8)
    label[0, 1, 2, 0], label[0, 3, 0, 1], label[0, 3, 1, 1] = 2, 7, 7
    found = voxels({"image": torch.zeros(label.shape), "label": label})
    assert [len(one) for one in found] == [21, 1, 2]
    assert found[1].tolist() == [[1, 2, 0]]
    assert found[2].tolist() == [[3, 0, 1], [3, 1, 1]]
    assert all((label[0].numpy()[tuple(places.T)] == one).all() for places, one in zip(found, (0, 2, 7), strict=True))
    assert found[0].dtype == np.int16


def test_an_unlabelled_volume_has_what_is_not_air():
    image = torch.full((1, 5, 5, 5), -1000.0)
    image[0, 2, 3, 4] = -999
    assert [places.tolist() for places in voxels({"image": image})] == [[[2, 3, 4]]]
    # Where all is one value, all is taken.
    [everything] = voxels({"image": torch.full((1, 2, 3, 1), 7.0)})
    assert len(everything) == 6


def test_of_many_voxels_some_are_kept_from_all_over():
    label = torch.ones(1, 40, 40, 40, dtype=torch.uint8)
    [some] = voxels({"label": label, "image": label}, most=500)
    assert some.shape == (500, 3)
    for axis in range(3):
        # Uniform over 0..39: mean 19.5, standard deviation of the mean of 500 is 11.5 / sqrt(500) = 0.52.
        assert abs(some[:, axis].mean() - 19.5) < 2.5
        assert len(np.unique(some[:, axis])) == 40


def test_it_finds_the_same_again_so_that_a_cache_may_keep_it():
    label = (torch.arange(27000) % 3).reshape(1, 30, 30, 30).to(torch.uint8)
    item = {"label": label, "image": label}
    for one, other in zip(voxels(item, most=9), voxels(item, most=9), strict=True):
        assert np.array_equal(one, other)
    assert set(item) == {"label", "image"}


def test_a_number_that_cannot_be():
    with pytest.raises(ValueError, match="most: got 0"):
        ClassVoxelsd(most=0)
