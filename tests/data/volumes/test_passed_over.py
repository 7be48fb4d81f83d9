"""What of a folder is segmented, what is passed over by name, and what is refused."""

import nibabel as nib
import numpy as np
import pytest

from custom.checks import RequestError
from custom.data.volumes.inputs import listing, readable

CT = {"modality": "ct", "intensity": {"window_hu": [-125, 275]}, "spacing": [2.0, 2.0]}


@pytest.fixture
def folder(tmp_path):
    """A prepared data set of one volume, with results of an earlier run in it."""
    values = np.random.default_rng(0).integers(0, 255, (9, 8, 7)).astype(np.uint8)
    for name in ("images/a.nii.gz", "labels/a.nii.gz", "out/a_btcv.nii.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        image = nib.Nifti1Image(values, np.eye(4))
        image.set_qform(np.eye(4), 1)
        nib.save(image, tmp_path / name)
    (tmp_path / "datalist.json").write_text("{}")
    (tmp_path / "contact_sheet.png").write_bytes(b"")
    (tmp_path / "b.mha").write_bytes(b"ObjectType = Image")
    return tmp_path


def test_labels_results_and_other_formats_are_no_inputs(folder, caplog):
    assert listing(folder, folder / "out") == [str(folder / "images" / "a.nii.gz")]
    for name in ("b.mha", "labels/a.nii.gz"):
        assert name in caplog.text


@pytest.mark.parametrize("name", ["b.mha", "b.hdr", "b.nrrd"])
def test_one_file_of_another_format_is_refused(folder, name):
    (folder / name).write_bytes(b"ObjectType = Image")
    with pytest.raises(RequestError, match=r"wanted \.nii\.gz, \.nii, or a slice as a picture; convert it"):
        listing(folder / name)


def test_a_ct_that_is_not_in_hu_is_warned_of_by_name(folder, caplog):
    path = str(folder / "images" / "a.nii.gz")
    assert len(readable([path], {"btcv": CT}, ["btcv"])) == 1
    assert f"{path}: no voxel lies below 0 although the window begins at -125 HU: are these HU?" in caplog.text


def test_what_weights_learnt_is_compared(folder, caplog):
    mr = {**CT, "intensity": {"percentiles": [0.5, 99.5]}}
    path = str(folder / "images" / "a.nii.gz")
    readable([path], {"mr": mr}, ["mr"], {"mr": [[0.0, 0.1], [0.45, 0.55], [0.9, 1.0]]})
    assert "unlike" not in caplog.text
    readable([path], {"mr": mr}, ["mr"], {"mr": [[0.0, 0.1], [0.0, 0.1], [0.9, 1.0]]})
    assert f"{path}: intensities are unlike those of the training volumes, the middle far above" in caplog.text
