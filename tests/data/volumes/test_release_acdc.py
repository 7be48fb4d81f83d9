"""ACDC as its owner ships it, patients by any group of a pattern, and intensities that a data set keeps."""

import json

import nibabel as nib
import numpy as np
import pytest

from custom.checks import RequestError
from custom.data.volumes import VolumeSets, declaration
from custom.data.volumes.layout import find
from custom.data.volumes.prepare import prepare


@pytest.fixture
def release(tmp_path):
    """Two patients with two labelled frames each, and what else lies in their folders."""
    top = tmp_path / "ACDC" / "database" / "training"
    for patient in ("patient001", "patient002"):
        folder = top / patient
        folder.mkdir(parents=True)
        (folder / "Info.cfg").write_text("ED: 1\n")
        for frame in ("01", "12"):
            values = np.random.default_rng(int(patient[-1] + frame)).integers(0, 255, (16, 16, 4)).astype(np.int16)
            ids = np.zeros(values.shape, np.uint8)
            ids[4:8, 4:8, :2] = int(frame[-1])
            for name, voxels in ((f"frame{frame}", values), (f"frame{frame}_gt", ids)):
                nib.save(nib.Nifti1Image(voxels, np.eye(4)), folder / f"{patient}_{name}.nii.gz")
        nib.save(nib.Nifti1Image(np.zeros((16, 16, 4, 3), np.int16), np.eye(4)), folder / f"{patient}_4d.nii.gz")
    return tmp_path / "ACDC"


@pytest.mark.parametrize("below", ["", "database", "database/training"])
def test_the_release_is_known_from_any_of_its_folders(release, below):
    records = find(release / below, declaration.shipped("acdc"))
    assert [(record.id, record.patient) for record in records] == [
        (f"patient{patient}_frame{frame}", patient) for patient in ("001", "002") for frame in ("01", "12")
    ]
    assert all(record.label.stem == f"{record.id}_gt" for record in records)


def test_a_frame_without_its_label_is_named(release):
    gone = release / "database" / "training" / "patient002" / "patient002_frame12_gt.nii.gz"
    gone.unlink()
    with pytest.raises(RequestError, match=r"no label of this name found, wanted .*/patient002_frame12_gt\.nii\.gz"):
        find(release, declaration.shipped("acdc"))


def test_patients_are_held_out_whole(release, tmp_path):
    prepare(declaration.shipped("acdc"), release, tmp_path / "out", test=0.5)
    content = json.loads((tmp_path / "out" / "datalist.json").read_text())
    assert [len(content[name]) for name in ("training", "test")] == [2, 2]
    assert len({item["patient"] for item in content["training"]}) == 1
    sets = VolumeSets(tmp_path / "out")
    assert np.array(sets.intensities["acdc"]).shape == (3, 2)
    del content["intensities"]  # as 0.1.0 wrote it
    (tmp_path / "out" / "datalist.json").write_text(json.dumps(content))
    assert VolumeSets(tmp_path / "out").intensities == {"acdc": []}


def test_whichever_group_fits_is_the_patient(tmp_path, said):
    (tmp_path / "d.json").write_text(json.dumps({**said, "patient": r"^a(\d+)_|^b(\d*)_"}))
    mine = declaration.read(tmp_path / "d.json")
    assert (mine.patient_of("a7_x"), mine.patient_of("b12_x")) == ("7", "12")
    with pytest.raises(RequestError, match=r"the group of 'patient' of .*, is empty for 'b_x'"):
        mine.patient_of("b_x")


def test_what_is_unlike_the_training_volumes_is_named(tmp_path, mine, source, write_pair):
    # of the unlabelled volumes one has an eighth of the contrast of the others
    dull = source / "unlabelled" / "p4_u.nii.gz"
    values = np.asarray(nib.load(dull).dataobj) // 8
    nib.save(nib.Nifti1Image(values.astype(np.int16), np.diag([2.0, 2, 5, 1])), dull)
    lines = prepare(mine, source, tmp_path / "out")
    (line,) = [line for line in lines if "unlike those of the training volumes" in line]
    assert line.startswith("p4_u: ")


def test_other_formats_are_named_where_no_image_is_found(tmp_path, mine):
    (tmp_path / "s" / "images").mkdir(parents=True)
    (tmp_path / "s" / "images" / "a.mha").write_bytes(b"ObjectType = Image")
    with pytest.raises(RequestError, match=r"but such as images/a\.mha, wanted images/\*\.\* \(\.nii\.gz \.nii \.png"):
        find(tmp_path / "s", mine)
