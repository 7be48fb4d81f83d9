import numpy as np
import pytest

from custom.checks import RequestError
from custom.data.volumes.prepare import prepare


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"training": ["p0_0"], "test": ["p0_1"]},
            "p0_1 in test: is of the patient 0 of p0_0 in training, wanted each",
        ),
        (
            {"training": ["p0_0"], "unlabelled": ["p1_0"], "test": ["p1_1"]},
            "p1_1 in test: is of the patient 1 of p1_0 in",
        ),
        ({"training": []}, r"split\.json: no labelled training volume"),
        ({"training": ["p0_u"]}, "'p0_u' in training belongs to unlabelled of the data set"),
        ({"training": ["p9_0"]}, "'p9_0' in training is no image"),
        (
            {"training": ["p0_0"], "testing": ["p1_0"]},
            "found the section 'testing', wanted training, unlabelled, valid",
        ),
    ],
)
def test_a_list_that_cannot_be(mine, source, tmp_path, split_file, sections, message):
    with pytest.raises(RequestError, match=message):
        prepare(mine, source, tmp_path / "data", split=split_file(**sections))
    assert not (tmp_path / "data").exists()


def test_several_patients_in_two_sections_are_counted(mine, source, tmp_path, split_file):
    split = split_file(training=["p0_0", "p1_0"], test=["p0_1", "p1_1"])
    # With the unlabelled volumes of the three patients that are not in the test.
    with pytest.raises(RequestError, match=r"^2 of 7 volumes are wrong: p0_1 in test: .*; p1_1 in test: "):
        prepare(mine, source, tmp_path / "data", split=split)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": 1.0}, "leave nothing to train on"),
        ({"test": 0.5, "validation": 0.5}, "--validation 0.5 and --test 0.5 leave nothing to train on"),
        ({"test": -0.1}, r"--test: found -0\.1, wanted a fraction"),
        ({"split": "x.json", "test": 0.1}, "--split already says what is held out"),
    ],
)
def test_numbers_that_cannot_be(mine, source, tmp_path, options, message):
    with pytest.raises(RequestError, match=message):
        prepare(mine, source, tmp_path / "data", **options)


def test_every_fault_is_found_and_the_earlier_set_stays(mine, source, tmp_path, write_volume, files):
    output = tmp_path / "data"
    prepare(mine, source, output)
    before = files(output)
    good = (source / "labels" / "p0_0.nii.gz").read_bytes()
    (source / "labels" / "p1_1.nii.gz").unlink()  # the output has a second name of the same file
    write_volume(source / "labels" / "p1_1.nii.gz", np.full((12, 10, 4), 5, np.uint8))
    with pytest.raises(RequestError, match=r"labels/p1_1\.nii\.gz: found the value 5 in 480 voxels, wanted the decl"):
        prepare(mine, source, output)
    (source / "images" / "p2_0.nii.gz").unlink()
    (source / "images" / "p2_0.nii.gz").write_bytes(good[:50])
    with pytest.raises(
        RequestError, match=r"2 of 15 volumes are wrong: .*p1_1\.nii\.gz: found .*; .*p2_0\.nii\.gz: br"
    ):
        prepare(mine, source, output)
    assert files(output) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "mine.json", "source"]


def test_one_volume_under_two_names_is_refused(mine, source, tmp_path, write_pair):
    write_pair(source / "unlabelled" / "p7_u.nii.gz", None, [], seed=4)
    message = r"unlabelled/p7_u\.nii\.gz: in unlabelled, the same volume as .*images/p2_0\.nii\.gz in training"
    with pytest.raises(RequestError, match=message):
        prepare(mine, source, tmp_path / "data")
