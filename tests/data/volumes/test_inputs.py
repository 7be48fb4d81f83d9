import logging

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from custom.checks import RequestError
from custom.data.volumes.inputs import chosen, listing, readable

WINDOW = {"window_hu": [-125, 275]}
TASKS = {
    "btcv": {"modality": "ct", "intensity": WINDOW, "spacing": [2.0, 2.0]},
    "flare22": {"modality": "ct", "intensity": {"window_hu": [-160, 240]}, "spacing": [2.0, 2.0]},
    "amos22_ct": {"modality": "ct", "intensity": dict(WINDOW), "spacing": [1.5, 1.5]},
    "acdc": {"modality": "cine_mr", "intensity": {"percentiles": [1, 99]}, "spacing": [1.5, 1.5]},
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b").mkdir()
    volume = nib.Nifti1Image(np.ones((4, 5, 3), np.float32), np.eye(4))
    volume.set_sform(np.eye(4), 1)
    for name in ("b/scan.1.nii.gz", "scan.nii"):
        nib.save(volume, tmp_path / name)
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(tmp_path / "slice.png")
    (tmp_path / "notes.txt").write_text("not a volume")
    (tmp_path / "broken.nii.gz").write_bytes(b"nope")
    return tmp_path


def test_volumes_and_pictures_are_found_and_nothing_else(folder):
    names = ["b/scan.1.nii.gz", "broken.nii.gz", "scan.nii", "slice.png"]
    assert sorted(listing(folder)) == sorted(str(folder / name) for name in names)
    assert listing(folder / "scan.nii") == [str(folder / "scan.nii")]


def test_a_folder_without_a_volume_and_a_missing_one_are_refused(tmp_path):
    with pytest.raises(RequestError, match=r"found no volume, wanted at least one of \.nii\.gz, \.nii, \.png"):
        listing(tmp_path)
    with pytest.raises(RequestError, match="nothing: not found, wanted a directory or one volume"):
        listing(tmp_path / "nothing")


def test_a_name_in_place_of_the_table_is_refused():
    with pytest.raises(RequestError, match="--tasks: found 'acdc', wanted --task acdc"):
        chosen("acdc", "")


def test_what_cannot_be_read_is_left_out_by_name(folder, caplog):
    with caplog.at_level(logging.ERROR):
        items = readable(listing(folder), TASKS, ["btcv"])
    assert {item["image"] for item in items} == {
        str(folder / name) for name in ("b/scan.1.nii.gz", "scan.nii", "slice.png")
    }
    assert all(item["task"] == "btcv" and item["tasks"] == ["btcv"] for item in items)
    assert "left out" in caplog.text
    assert "broken.nii.gz" in caplog.text


def test_where_none_can_be_read_that_is_an_error(folder):
    with pytest.raises(RequestError, match=r"broken\.nii\.gz"):
        readable([str(folder / "broken.nii.gz")], TASKS, ["btcv"])


def test_tasks_that_scale_a_volume_alike_share_an_item(folder):
    items = readable([str(folder / "scan.nii")], TASKS, ["btcv", "flare22", "amos22_ct"])
    assert [(item["task"], item["tasks"]) for item in items] == [
        ("btcv", ["btcv", "amos22_ct"]), ("flare22", ["flare22"])
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("acdc", ["acdc"]),
        (["btcv", "flare22"], ["btcv", "flare22"]),
        (("flare22", "btcv", "flare22"), ["flare22", "btcv"]),
    ],
)
def test_one_task_or_several_are_chosen(task, names):
    assert chosen(TASKS, task) == names


def test_one_task_alone_need_not_be_named():
    assert chosen({"acdc": TASKS["acdc"]}, "") == ["acdc"]


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("", r"found none, wanted one or several of btcv \(ct\), flare22 \(ct\), amos22_ct \(ct\), acdc \(cine_mr\)"),
        ("btvc", r"found 'btvc', wanted one or several of btcv .*; did you mean btcv\?"),
        (["btcv", 7], r"found '7', wanted one or several of"),
        (["btcv", "acdc"], "btcv is ct, acdc is cine_mr; wanted tasks of one modality"),
    ],
)
def test_other_tasks_are_refused_with_the_list(task, words):
    with pytest.raises(RequestError, match=words):
        chosen(TASKS, task)
