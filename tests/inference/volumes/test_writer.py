import csv
import logging

import nibabel as nib
import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import PrepareBatchExtraInput, SupervisedEvaluator
from monai.transforms import LoadImaged
from PIL import Image
from scipy.spatial.transform import Rotation
from torch import nn

from custom.checks import RequestError
from custom.drawing.colours import organ_colour
from custom.inference import VolumeInferer
from custom.inference.volumes.writer import VolumeWriter

TASKS = {
    "pair": {"modality": "ct", "spacing": [1.0, 1.0], "labels": {"10": "tumour", "4": "liver"}},
    "wide": {"modality": "ct", "spacing": [1.0, 1.0], "labels": {"1": "aorta", "820": "vein"}},
}


class Bright(nn.Module):
    """Channel 1 where the middle slice is above 0.25, channel 2 where it is above 0.75."""

    def several(self, image, numbers):
        middle = image[:, 1]
        return [torch.stack([0.25 - middle, (middle - 0.25) * 0.5, 2 * (middle - 0.75)], 1) for _ in numbers]


def brain(path, axes="RAS", shape=(12, 10, 6)):
    """A volume with a bright and a dim box, stored along `axes`; 1 x 1 x 2 mm, a shifted origin."""
    values = np.zeros(shape, np.float32)
    values[2:5, 1:4, 1:3], values[8:11, 6:9, 3:5] = 0.5, 1.0
    affine = np.diag([1.0, 1, 2, 1])
    affine[:3, 3] = -20, 7, 30
    image = nib.Nifti1Image(values, affine)
    turn = nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(axes))
    image = image.as_reoriented(turn)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(image.affine, 2)
    image.set_qform(image.affine, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)
    return image


def predict(paths, writer):
    items = [{"image": str(path), "task": "pair", "tasks": ["pair", "wide"]} for path in paths]
    evaluator = SupervisedEvaluator(
        torch.device("cpu"),
        DataLoader(Dataset(items, LoadImaged("image", ensure_channel_first=True)), batch_size=1),
        Bright(),
        inferer=VolumeInferer(TASKS),
        prepare_batch=PrepareBatchExtraInput({"task": "tasks"}),
        val_handlers=[writer],
    )
    evaluator.run()


@pytest.mark.parametrize("axes", ["RAS", "LPS", "SAR", "PIR"])
def test_labels_lie_where_the_organs_do_in_the_files_own_grid(tmp_path, axes):
    path = tmp_path / "in" / "a" / "case.1.nii.gz"
    given = brain(path, axes)
    predict([path], VolumeWriter([path], tmp_path / "out", TASKS, ["pair", "wide"], tmp_path / "in"))
    folder = tmp_path / "out" / "a"
    assert sorted(one.name for one in folder.iterdir()) == [
        "case.1_pair.nii.gz", "case.1_pair_overlay.png", "case.1_wide.nii.gz", "case.1_wide_overlay.png"
    ]  # fmt: skip
    labels, wide = (nib.load(folder / f"case.1_{task}.nii.gz") for task in ("pair", "wide"))
    assert labels.shape == given.shape
    assert np.array_equal(labels.affine, nib.load(path).affine)
    assert nib.aff2axcodes(labels.affine) == tuple(axes)
    # the ids of the data set, ascending: 4 is channel 1, 10 channel 2
    values = given.get_fdata()
    assert np.array_equal(np.asarray(labels.dataobj), np.where(values == 1, 10, np.where(values == 0.5, 4, 0)))
    assert (labels.get_data_dtype(), wide.get_data_dtype()) == (np.uint8, np.uint16)
    assert np.unique(np.asarray(wide.dataobj)).tolist() == [0, 1, 820]
    assert labels.header.get_xyzt_units() == ("mm", "sec")
    assert (int(labels.header["sform_code"]), int(labels.header["qform_code"])) == (2, 1)


def test_a_rotated_volume_keeps_its_affine_and_its_measures(tmp_path):
    path = tmp_path / "case.nii.gz"
    given = brain(path, "SAR")
    rotation = np.eye(4)
    rotation[:3, :3] = Rotation.from_euler("xyz", (15, -20, 30), degrees=True).as_matrix()
    nib.save(nib.Nifti1Image(given.get_fdata(dtype=np.float32), rotation @ given.affine), path)
    predict([path], VolumeWriter([path], tmp_path / "out", TASKS, ["pair", "wide"]))
    labels = nib.load(tmp_path / "out" / "case_pair.nii.gz")
    assert np.array_equal(labels.affine, nib.load(path).affine)
    values = given.get_fdata()
    assert np.array_equal(np.asarray(labels.dataobj), np.where(values == 1, 10, np.where(values == 0.5, 4, 0)))
    # 18 voxels of 2 mm³, however they lie
    assert "pair,tumour,10,18,0.036" in (tmp_path / "out" / "organs.csv").read_text()


def test_table_measures_each_organ_of_each_task(tmp_path):
    path = tmp_path / "case.nii"
    brain(path)
    writer = VolumeWriter([path], tmp_path / "out", TASKS, ["pair", "wide"])
    predict([path], writer)
    with open(tmp_path / "out" / "organs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["case"], row["task"], row["organ"], row["id"]) for row in rows] == [
        ("case.nii", "pair", "liver", "4"), ("case.nii", "pair", "tumour", "10"),
        ("case.nii", "wide", "aorta", "1"), ("case.nii", "wide", "vein", "820"),
    ]  # fmt: skip
    # 3 x 3 x 2 voxels of 2 mm³ are 36 mm³
    assert [(row["voxels"], row["millilitres"]) for row in rows] == [("18", "0.036")] * 4
    assert writer.failed == {}


def test_overlay_is_seen_as_radiologists_do(tmp_path):
    path = tmp_path / "case.nii.gz"
    brain(path, "LPS")
    predict([path], VolumeWriter([path], tmp_path / "out", TASKS, ["pair", "wide"]))
    with Image.open(tmp_path / "out" / "case_pair_overlay.png") as image:
        drawn = np.asarray(image).astype(int)
    # The liver lies to the left and back: right and low in the slices where it is seen; the tumour the other way round.
    places = [
        np.argwhere((drawn[: 2 * drawn.shape[0] // 3 + 200] == colour).all(2))
        for colour in (organ_colour(1), organ_colour(2))
    ]
    width = (drawn.shape[1] - 16) // 3
    inside = [(place[:, 1] % (width + 8)).mean() / width for place in places]
    assert inside[0] > 0.55 > 0.45 > inside[1]


def test_a_picture_becomes_a_volume_of_one_slice(tmp_path):
    path = tmp_path / "slice.png"
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(path)
    writer = VolumeWriter([path], tmp_path / "out", TASKS, ["pair"])
    affine = np.diag([-2.0, -2, 1, 1])
    image = MetaTensor(torch.zeros(1, 7, 5, 1), affine=affine, meta={"filename_or_obj": str(path)})
    run(writer, [({"image": image, "tasks": ["pair"]}, {"pred": torch.ones(1, 7, 5, 1)})])
    labels = nib.load(tmp_path / "out" / "slice_pair.nii.gz")
    assert np.allclose(labels.affine, affine)
    assert labels.header.get_xyzt_units()[0] == "mm"
    assert (np.asarray(labels.dataobj) == 4).all()


def run(writer, pairs):
    def step(engine, batch):
        engine.state.batch = [batch[0]]
        return [batch[1]]

    evaluator = Engine(step)
    writer.attach(evaluator)
    evaluator.run(pairs)


def test_a_volume_that_fails_is_named_and_the_rest_is_done(tmp_path, caplog):
    paths = [tmp_path / f"{name}.nii.gz" for name in ("good", "broken", "unread")]
    for path in paths[:2]:
        brain(path)
    writer = VolumeWriter(paths, tmp_path / "out", TASKS, ["pair"])
    pairs = []
    for path, channel in ((paths[1], 9), (paths[0], 1)):
        image = MetaTensor(torch.zeros(1, 4, 4, 2), affine=np.eye(4), meta={"filename_or_obj": str(path)})
        pairs.append(({"image": image, "tasks": ["pair"]}, {"pred": torch.full((1, 4, 4, 2), channel)}))
    with caplog.at_level(logging.ERROR):
        run(writer, pairs)
    assert writer.failed == {
        str(paths[1]): "found the channel 9, wanted at most 2, as pair has organs",
        str(paths[2]): "the volume could not be read",
    }
    assert "2 of 3 volumes failed" in caplog.text
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "good_pair.nii.gz", "good_pair_overlay.png", "organs.csv"
    ]  # fmt: skip


def test_names_that_clash_are_refused_before_anything_is_done(tmp_path):
    with pytest.raises(RequestError, match="share the output"):
        VolumeWriter([tmp_path / "a.nii", tmp_path / "a.nii.gz"], tmp_path / "out", TASKS, ["pair"])
