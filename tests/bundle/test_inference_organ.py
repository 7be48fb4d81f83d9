"""Volumes through `inference_organ.json`: files in, files out, and what is refused."""

import csv
import os
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow
from PIL import Image

from custom.networks import M4oE, weights

WINDOW = {"window_hu": [-125, 275]}
TASKS = {
    "abdomen": {"head": "abdomen", "modality": "ct", "labels": {"2": "liver", "7": "spleen"}, "spacing": [2.0, 2.0],
                "intensity": WINDOW},
    "kidneys": {"head": "kidneys", "modality": "ct", "labels": {"1": "kidney"}, "spacing": [1.5, 1.5],
                "intensity": {"window_hu": [-160, 240]}},
    "heart": {"head": "heart", "modality": "mr", "labels": {"1": "ventricle"}, "spacing": [1.0, 1.0],
              "intensity": {"percentiles": [0.5, 99.5]}},
}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    network = M4oE(TASKS, stem="patch", embed=24, depths=(1, 1), heads=(2, 2))
    weights.save(path, network, {"tasks": TASKS})
    return path


@pytest.fixture
def folder(tmp_path):
    """A volume of 40 x 30 x 4 voxels stored left to right reversed, and a slice as a picture."""
    volumes = tmp_path / "volumes"
    (volumes / "a").mkdir(parents=True)
    values = np.full((40, 30, 4), -1000, np.int16)
    values[4:14, 6:12, 1:3] = 1000  # bright: liver
    image = nib.Nifti1Image(values, np.diag([-2.0, 2.0, 5.0, 1.0]))
    image.header.set_xyzt_units("mm")
    nib.save(image, volumes / "a" / "case.1.nii.gz")
    picture = np.zeros((24, 36), np.uint8)
    picture[3:9, 5:12] = 255  # front and, as slices are shown, at the patient's right
    Image.fromarray(picture).save(volumes / "slice.png")
    return volumes


def bright_is_first(image, numbers):
    """Stands in for a trained network."""
    classes = [len(facts["labels"]) + 1 for facts in TASKS.values()]
    bright = image[:, 1] - 0.5
    return [torch.stack([-bright, bright] + [bright - 9] * (classes[number] - 2), 1) for number in numbers]


def workflow(repository, **options):
    config = repository / "bundle" / "configs" / "inference_organ.json"
    return ConfigWorkflow(str(config), logging_file=False, workflow_type="infer", **options)


def test_organs_of_two_tasks_come_back_in_the_inputs_grid(repository, checkpoint, folder, tmp_path):
    options = {"ckpt_path": str(checkpoint), "dataset_dir": str(folder), "output_dir": str(tmp_path / "out")}
    flow = workflow(repository, task=["abdomen", "kidneys"], **options)
    flow.initialize()
    assert flow.check_properties() in (None, [])
    flow.parser.get_parsed_content("network").several = bright_is_first
    flow.run()
    flow.finalize()
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    kinds = [f"{task}{kind}" for task in ("abdomen", "kidneys") for kind in (".nii.gz", "_overlay.png")]
    assert written == sorted(
        [*(f"a/case.1_{kind}" for kind in kinds), *(f"slice_{kind}" for kind in kinds), "organs.csv"]
    )
    given = nib.load(folder / "a" / "case.1.nii.gz")
    labels = nib.load(tmp_path / "out" / "a" / "case.1_abdomen.nii.gz")
    assert np.array_equal(labels.affine, given.affine)
    # 2 mm is the task's own spacing: nothing is lost; the id of the first organ is 2
    assert np.array_equal(np.asarray(labels.dataobj), np.where(np.asarray(given.dataobj) > 0, 2, 0))
    picture = nib.load(tmp_path / "out" / "slice_abdomen.nii.gz")
    assert picture.shape == (36, 24, 1)
    # columns run to the left, rows to the back
    assert nib.aff2axcodes(picture.affine)[:2] == ("L", "P")
    with Image.open(folder / "slice.png") as image:
        assert np.array_equal(np.asarray(picture.dataobj)[..., 0].T, np.where(np.asarray(image) > 0, 2, 0))
    with open(tmp_path / "out" / "organs.csv", newline="") as file:
        rows = {(row["case"], row["organ"]): row["millilitres"] for row in csv.DictReader(file)}
    # 10 * 6 * 2 voxels of 20 mm³
    assert rows["a/case.1.nii.gz", "liver"] == "2.400"
    assert len(rows) == 6


def test_the_network_of_the_weights_predicts_one_volume(repository, checkpoint, folder, tmp_path):
    options = {"ckpt_path": str(checkpoint), "dataset_dir": str(folder / "a" / "case.1.nii.gz")}
    flow = workflow(repository, task="heart", output_dir=str(tmp_path / "out"), **options)
    flow.initialize()
    network = flow.parser.get_parsed_content("network")
    assert network.arguments["embed"] == 24
    assert all(
        torch.equal(value, torch.load(checkpoint)["model"][name]) for name, value in network.state_dict().items()
    )
    flow.run()
    assert (tmp_path / "out" / "case.1_heart.nii.gz").is_file()


def run(repository, *options):
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/inference_organ.json"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    where = repository / "bundle"
    return subprocess.run([*command, *map(str, options)], cwd=where, env=environment, capture_output=True, text=True)


def test_an_unknown_task_is_refused_with_the_list_and_a_broken_volume_is_named(
    repository, checkpoint, folder, tmp_path
):
    (folder / "broken.nii.gz").write_bytes(b"nope")
    where = ("--ckpt_path", checkpoint, "--dataset_dir", folder, "--output_dir", tmp_path / "out")
    done = run(repository, *where, "--task", "abdomn")
    assert done.returncode == 2, done.stderr[-2000:]
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "abdomen (ct), kidneys (ct), heart (mr); did you mean abdomen?" in line
    assert not (tmp_path / "out").exists()
    done = run(repository, *where, "--task", "['abdomen','kidneys']")
    assert done.returncode == 1, done.stderr[-2000:]
    assert "broken.nii.gz" in done.stderr + done.stdout
    assert (tmp_path / "out" / "slice_kidneys.nii.gz").is_file()
