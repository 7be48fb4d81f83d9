from pathlib import Path

import pytest

from custom.checks import RequestError
from custom.inference.output_names import output_stems
from custom.inference.tiles.writer import ENDINGS


def test_dots_and_folders_are_kept(tmp_path):
    inputs = [tmp_path / "in" / "a" / "slide.1.png", tmp_path / "in" / "slide.1.png"]
    stems = output_stems(inputs, tmp_path / "out", tmp_path / "in", ENDINGS)
    assert stems == {str(inputs[0]): tmp_path / "out" / "a" / "slide.1", str(inputs[1]): tmp_path / "out" / "slide.1"}


def test_two_inputs_with_one_output_are_refused_by_name(tmp_path):
    with pytest.raises(RequestError, match=r"x\.png and .*x\.jpg would share the output"):
        output_stems([tmp_path / "x.png", tmp_path / "x.jpg"], tmp_path / "out", tmp_path, ENDINGS)


def test_an_output_never_replaces_an_input(tmp_path):
    inputs = [tmp_path / "x.png", tmp_path / "x_overlay.png"]
    with pytest.raises(RequestError, match=r"would replace the input .*x_overlay\.png"):
        output_stems(inputs, tmp_path, tmp_path, ENDINGS)
    assert len(output_stems(inputs, tmp_path / "out", tmp_path, ENDINGS)) == 2


def test_an_input_elsewhere_is_refused(tmp_path):
    with pytest.raises(RequestError, match="found outside"):
        output_stems([Path("/elsewhere/x.png")], tmp_path / "out", tmp_path, ENDINGS)


def test_a_volume_has_no_double_ending_and_tasks_are_part_of_the_name(tmp_path):
    inputs = [tmp_path / "a.nii.gz", tmp_path / "b.1.nii", tmp_path / "c.NII.GZ"]
    stems = output_stems(inputs, tmp_path / "out", tmp_path, ["_btcv.nii.gz"])
    assert [stem.name for stem in stems.values()] == ["a", "b.1", "c"]
    # "a" for the task b_c and "a_b" for the task c
    inputs = [tmp_path / "a.nii.gz", tmp_path / "a_b.nii.gz"]
    with pytest.raises(RequestError, match=r"would share the output .*a_b_c\.nii\.gz"):
        output_stems(inputs, tmp_path / "out", tmp_path, ["_b_c.nii.gz", "_c.nii.gz"])
    with pytest.raises(RequestError, match=r"would replace the input .*a_b\.nii\.gz"):
        output_stems(inputs, tmp_path, tmp_path, ["_b.nii.gz"])
