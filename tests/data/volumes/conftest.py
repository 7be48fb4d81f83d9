import json

import nibabel as nib
import numpy as np
import pytest

from custom.data.volumes import declaration


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


@pytest.fixture
def said():
    """A declaration's content: two organs, patients by name."""
    return {
        "name": "mine",
        "labels": {"1": "right kidney", "8": "aorta"},
        "spacing": [2, 2],
        "modalities": {"ct": {"window_hu": [-125, 275]}},
        "patient": "^p(\\d+)_",
        "one_piece": [1],
    }


@pytest.fixture
def mine(tmp_path, said):
    """`said` as a user's own declaration."""
    (tmp_path / "mine.json").write_text(json.dumps(said))
    return declaration.read(tmp_path / "mine.json")


@pytest.fixture
def source(tmp_path, write_pair):
    """Five patients with two labelled volumes each, and an unlabelled one of each."""
    folder = tmp_path / "source"
    for index in range(10):
        name = f"p{index // 2}_{index % 2}.nii.gz"
        write_pair(folder / "images" / name, folder / "labels" / name, [1, 8], seed=index)
    for index in range(5):
        write_pair(folder / "unlabelled" / f"p{index}_u.nii.gz", None, [], seed=100 + index)
    return folder


@pytest.fixture
def split_file(tmp_path):
    """Write a list of who is where; its path."""

    def write(**sections):
        (tmp_path / "split.json").write_text(json.dumps(sections))
        return str(tmp_path / "split.json")

    return write


@pytest.fixture
def files():
    """The files below a directory, by their relative paths."""

    def below(folder):
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    return below
