import nibabel as nib
import numpy as np
import pytest


@pytest.fixture
def write_volume():
    """Write an array as NIfTI; by default 2 x 2 x 5 mm, RAS."""

    def write(path, values, affine=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(values, np.diag([2.0, 2.0, 5.0, 1.0]) if affine is None else affine), path)
        return path

    return write


@pytest.fixture
def write_pair(write_volume):
    """Write an image of random HU and its label, which holds each id in a slab of two voxels along x."""

    def write(image, label, ids, seed=0, shape=(12, 10, 4), affine=None):
        values = np.random.default_rng(seed).integers(-200, 300, shape).astype(np.int16)
        marked = np.zeros(shape, np.uint8)
        for index, one in enumerate(ids):
            marked[2 * index : 2 * index + 2, 2:8, 1:3] = one
        write_volume(image, values, affine)
        if label is not None:
            write_volume(label, marked, affine)
        return values, marked

    return write
