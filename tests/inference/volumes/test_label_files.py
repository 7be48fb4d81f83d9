"""What a label file takes over from its input's header, and what the table keeps."""

import csv
import gzip

import nibabel as nib
import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor

from custom.inference import VolumeWriter

TASKS = {"wide": {"labels": {"2": "aorta", "70000": "liver"}}, "other": {"labels": {"1": "spleen"}}}


def run(path, out, names):
    """Write what a network found in a volume of 12 x 10 x 4 voxels: its second channel in 6 of them."""
    found = torch.zeros(len(names), 12, 10, 4, dtype=torch.uint8)
    found[:, 3, 4:7, 1:3] = len(TASKS[names[0]]["labels"])
    image = MetaTensor(torch.zeros(1, 12, 10, 4), affine=np.diag([2.0, 2, 5, 1]), meta={"filename_or_obj": str(path)})
    engine = Engine(lambda *_: [{"pred": found}])
    writer = VolumeWriter([path], out, TASKS, names, path.parent)
    writer.attach(engine)
    engine.run([[{"image": image, "tasks": names}]])
    assert writer.failed == {}


@pytest.fixture
def scan(tmp_path):
    """A volume whose header says much: a name, an extension, two forms that differ, microns."""
    image = nib.Nifti1Image(np.ones((12, 10, 4, 1), np.int16), None)
    image.set_sform(np.diag([-1.0, -1, 1, 1]), 1)
    image.set_qform(np.diag([-2000.0, 2000, 5000, 1]), 2)
    image.header.set_xyzt_units("micron", "msec")
    image.header["descrip"] = b"Jane Doe"
    image.header["aux_file"] = b"Jane"
    image.header["db_name"] = b"Doe"
    image.header["intent_name"] = b"1950-01-01"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"Jane Doe, born 1950"))
    (tmp_path / "in").mkdir()
    nib.save(image, tmp_path / "in" / "scan.nii.gz")
    return tmp_path / "in" / "scan.nii.gz"


def test_a_label_file_lies_as_its_input_and_says_nothing_of_the_patient(scan, tmp_path):
    run(scan, tmp_path / "out", ["wide"])
    given, labels = nib.load(scan), nib.load(tmp_path / "out" / "scan_wide.nii.gz")
    assert np.array_equal(labels.affine, given.affine)
    for one in ("sform", "qform"):
        assert np.array_equal(getattr(labels, f"get_{one}")(), getattr(given, f"get_{one}")())
        assert labels.header[f"{one}_code"] == given.header[f"{one}_code"]
    assert labels.header.get_xyzt_units() == ("micron", "msec")
    assert labels.shape == (12, 10, 4)
    raw = (tmp_path / "out" / "scan_wide.nii.gz").read_bytes()
    assert not any(word in gzip.decompress(raw) for word in (b"Jane", b"Doe", b"1950"))
    assert len(labels.header.extensions) == 0


def test_large_ids_are_those_of_the_table(scan, tmp_path):
    run(scan, tmp_path / "out", ["wide"])
    labels = nib.load(tmp_path / "out" / "scan_wide.nii.gz")
    assert np.unique(np.asarray(labels.dataobj), return_counts=True)[1].tolist() == [474, 6]
    assert np.asarray(labels.dataobj).max() == 70000


def rows(out):
    with open(out / "organs.csv", newline="") as file:
        return [(row["case"], row["task"], row["id"], row["voxels"]) for row in csv.DictReader(file)]


def test_the_table_keeps_what_an_earlier_run_found(scan, tmp_path, caplog):
    out = tmp_path / "out"
    for names in (["wide"], ["other"], ["wide"]):
        run(scan, out, names)
    assert sorted(rows(out)) == [
        ("scan.nii.gz", "other", "1", "6"), ("scan.nii.gz", "wide", "2", "0"), ("scan.nii.gz", "wide", "70000", "6")
    ]  # fmt: skip
    (out / "organs.csv").write_text("another,table\n1,2\n")
    run(scan, out, ["other"])
    assert rows(out) == [("scan.nii.gz", "other", "1", "6")]
    assert "was no table of organs" in caplog.text
