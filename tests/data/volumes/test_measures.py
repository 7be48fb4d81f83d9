import dataclasses
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from custom.data.record import Record
from custom.data.source_file import SourceFile
from custom.data.volumes import declaration
from custom.data.volumes.files import Volume, VolumePair
from custom.data.volumes.measures import VolumeMeasures, measure, summary

AFFINE = np.diag([2.0, 3.0, 5.0, 1.0])


@pytest.fixture
def kidneys(tmp_path):
    """A declaration of two kidneys and a spleen."""
    content = {
        "name": "mine",
        "labels": {"2": "right kidney", "3": "left kidney", "7": "spleen"},
        "spacing": [1, 1],
        "modalities": {"ct": {"window_hu": [0, 1]}},
    }
    (tmp_path / "mine.json").write_text(json.dumps(content))
    return declaration.read(tmp_path / "mine.json")


def labelled(*notes):
    """Id 3 in 4 voxels, id 2 in 8, further to the right."""
    label = np.zeros((6, 4, 3), np.uint8)
    label[1, :2, :2] = 3
    label[3:5, :2, :2] = 2
    return VolumePair(Volume(np.zeros(label.shape), AFFINE, notes), Volume(label, AFFINE, notes))


def records(number, section="training", suffix=".nii.gz", modality="ct"):
    files = [SourceFile(Path(f"{section}_{index}{suffix}")) for index in range(number)]
    return [Record(file.stem, section, file, file, f"p{index // 2}", modality) for index, file in enumerate(files)]


def test_a_volume_is_measured():
    facts = measure(labelled("is odd"))
    # A voxel has 2 x 3 x 5 = 30 mm³ = 0.03 ml.
    assert facts.amounts == pytest.approx({2: 8 * 0.03, 3: 4 * 0.03})
    # Planes 3 and 4 of 2 mm: 7 mm in the middle; plane 1: 2 mm.
    assert facts.right_mm == pytest.approx({2: 7.0, 3: 2.0})
    assert facts.notes == ("is odd", "is odd")


@pytest.mark.parametrize("axes", ["LPS", "PIR", "SAL"])
def test_the_orientation_of_the_file_changes_nothing_but_the_origin(axes):
    pair, want = labelled(), measure(labelled())
    turn = nib.orientations.ornt_transform(
        nib.orientations.io_orientation(AFFINE), nib.orientations.axcodes2ornt(tuple(axes))
    )
    turned = [nib.Nifti1Image(one.values, AFFINE).as_reoriented(turn) for one in (pair.image, pair.label)]
    found = measure(VolumePair(*(Volume(np.asarray(one.dataobj), one.affine) for one in turned)))
    assert found.amounts == pytest.approx(want.amounts)
    assert found.right_mm == pytest.approx(want.right_mm)


def test_an_unlabelled_volume_has_no_amounts():
    facts = measure(VolumePair(labelled().image, None))
    assert (facts.amounts, facts.right_mm) == ({}, {})
    assert facts.digest == measure(labelled()).digest


def test_the_summary(kidneys):
    sections = {"training": records(3), "unlabelled": records(1, "unlabelled", modality="mr"), "test": []}
    amounts = [{2: 150.0}, {2: 4.256, 3: 10.0}, {2: 8.0}]
    facts = {f"training_{index}": VolumeMeasures(f"{index}", one, {}, ()) for index, one in enumerate(amounts)}
    facts["unlabelled_0"] = VolumeMeasures("u", {}, {}, ("it is odd", "it is odd"))
    assert summary(kidneys, sections, facts) == [
        "training      3 volumes,   2 patients: ct 3",
        "unlabelled    1 volumes,   1 patients: mr 1",
        "test          0 volumes",
        "  2 right kidney  in   3 of 3, median 8 ml (4.26 to 150)",
        "  3 left kidney   in   1 of 3, median 10 ml (10 to 10)",
        "  7 spleen        in   0 of 3",
        "no volume holds spleen: is it the right data set?",
        "in 1 of 4 volumes it is odd (unlabelled_0)",
    ]


def test_pictures_have_areas(kidneys):
    # 50 x 40 pixels of 1.5 x 2 mm: 6000 mm² = 60 cm².
    label = Volume(np.full((50, 40, 1), 7, np.uint8), np.diag([-1.5, -2.0, 1.0, 1.0]))
    facts = measure(VolumePair(label, label))
    lines = summary(kidneys, {"training": records(1, suffix=".png")}, {"training_0": facts})
    assert "  7 spleen        in   1 of 1, median 60 cm² (60 to 60)" in lines
    # In a NIfTI file of one slice the thickness is stated: 6000 mm² x 1 mm.
    lines = summary(kidneys, {"training": records(1)}, {"training_0": facts})
    assert "  7 spleen        in   1 of 1, median 6 ml (6 to 6)" in lines


def test_swapped_sides_are_named(kidneys):
    good = measure(labelled())
    swapped = dataclasses.replace(good, right_mm={2: good.right_mm[3], 3: good.right_mm[2]})
    one_only = dataclasses.replace(good, right_mm={2: 0.0})
    sections = {"training": records(4)}
    facts = dict(zip([f"training_{index}" for index in range(4)], [good, swapped, swapped, one_only], strict=True))
    lines = [line for line in summary(kidneys, sections, facts) if "lies to the left" in line]
    assert lines == [
        "the right kidney lies to the left of the left kidney in 2 of 3 volumes: "
        "are the labels swapped, or the orientation in the header wrong?"
    ]
    assert not any("lies" in line for line in summary(kidneys, sections, dict.fromkeys(facts, good)))
