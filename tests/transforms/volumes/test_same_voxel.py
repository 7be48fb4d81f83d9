"""A voxel and its label stay beside each other on the way into training, whatever their two headers say."""

import nibabel as nib
import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.bundle import ConfigParser
from scipy.spatial.transform import Rotation

from custom.checks import RequestError
from custom.data.record import Record
from custom.data.source_file import SourceFile
from custom.data.volumes.files import load_volumes
from custom.transforms import OrientAndResampled

TASKS = {"a": {"labels": {str(one): f"organ {one}" for one in range(1, 9)}, "spacing": [2.0, 2.0],
               "intensity": {"window_hu": [0, 8]}}}  # fmt: skip
# Each voxel is its own label.
IDS = np.random.default_rng(0).integers(0, 9, (9, 8, 7)).astype(np.int16)
STEPS = st.tuples(*[st.sampled_from([2.0, 2.0, 2.004, 9.0])] * 3)
FORM = st.tuples(st.integers(0, 2**10), STEPS)


def header_of(values, sform, qform, steps):
    image = nib.Nifti1Image(values, None)
    for setter, form in ((image.set_sform, sform), (image.set_qform, qform)):
        if form is not None:
            affine = np.eye(4)
            affine[:3, :3] = Rotation.random(random_state=form[0]).as_matrix() * form[1]
            setter(affine, 1)
    if steps is not None:
        image.header["pixdim"][1:4] = steps
    return image


def load_of(repository):
    parser = ConfigParser()
    parser.read_config(repository / "bundle" / "configs" / "train_organ.json")
    parser["tasks"] = TASKS
    return parser.get_parsed_content("validate#preprocessing")


def test_image_and_label_are_the_same_voxel(repository, tmp_path):
    load, last = load_of(repository), OrientAndResampled(["image", "label"], TASKS)
    paths = {key: tmp_path / f"{key}.nii" for key in ("image", "label")}
    seen = {"done": 0}

    @settings(max_examples=60, deadline=None, database=None)
    @given(st.none() | FORM, st.none() | FORM, st.none() | STEPS, st.none() | FORM)
    def check(sform, qform, steps, other):
        nib.save(header_of(IDS, sform, qform, steps), paths["image"])
        # the label has the image's header, or one of its own
        nib.save(header_of(IDS, sform, qform if other is None else other, steps), paths["label"])
        record = Record("a", "", *(SourceFile(path) for path in paths.values()))
        try:
            load_volumes(record, range(9), (2.0, 2.0))
        except RequestError:
            return  # `prepare` refuses the pair
        item = last(load({**{key: str(path) for key, path in paths.items()}, "task": "a"}))
        assert item["image"].shape == item["label"].shape
        if item["image"].numel() == IDS.size:  # nothing was resampled in plane
            assert torch.equal((item["image"] * 8).round().to(torch.uint8), item["label"])
            seen["done"] += 1

    check()
    assert seen["done"] > 5
