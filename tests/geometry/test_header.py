"""One rule for a header's two forms and its unit."""

import nibabel as nib
import numpy as np
import pytest

from custom.geometry.header import place


def header(sform=None, qform=None, steps=None, unit="mm"):
    made = nib.Nifti1Header()
    made.set_data_shape((10, 10, 10))
    made.set_xyzt_units(unit)
    if qform is not None:
        made.set_qform(np.diag([*qform, 1.0]), 1)
    if sform is not None:
        made.set_sform(np.diag([*sform, 1.0]), 1)
    if steps is not None:
        made["pixdim"][1:4] = steps
    return made


@pytest.mark.parametrize(
    ("given", "wanted", "said"),
    [
        ({"sform": (2, 2, 5), "qform": (2, 2, 5)}, (2, 2, 5), ""),
        ({"sform": (2, 2, 5), "steps": (2, 2, 5)}, (2, 2, 5), ""),
        ({"qform": (-2, 2, 5)}, (-2, 2, 5), ""),
        # rounded headers contradict nothing
        ({"sform": (5, 5, 12), "qform": (5.001, 5.001, 12)}, (5, 5, 12), ""),
        # mirrored: the same sizes, so that nothing says which is right
        ({"sform": (5, 5, 12), "qform": (-5.001, 5.001, 12)}, (5, 5, 12), "the sform was taken"),
        # an sform that lost its sizes
        ({"sform": (-1, -1, 1), "qform": (-1.5, -1.5, 10)}, (-1.5, -1.5, 10), "the qform was taken"),
        ({"sform": (-1, -1, 1), "steps": (1.5, 1.5, 10)}, (-1.5, -1.5, 10), "with the size in pixdim"),
        ({"sform": (0, 0, 0), "qform": (1.5, 1.5, 10)}, (1.5, 1.5, 10), "the qform was taken"),
        # pixdim was never filled in
        ({"sform": (2, 2, 5), "steps": (1, 1, 1)}, (2, 2, 5), "the sform was taken"),
        ({"sform": (2, 2, 5), "steps": (0, 0, 0)}, (2, 2, 5), ""),
        ({"sform": (2000, 2000, 5000), "steps": (2000, 2000, 5000), "unit": "micron"}, (2, 2, 5), ""),
        ({"qform": (0.002, 0.002, 0.005), "unit": "meter"}, (2, 2, 5), ""),
        ({"qform": (2, 2, 5), "unit": "unknown"}, (2, 2, 5), ""),
    ],
)
def test_where_a_volume_lies(given, wanted, said):
    affine, notes = place(header(**given))
    assert np.allclose(affine, np.diag([*wanted, 1.0]), atol=1e-3)
    assert len(notes) == bool(said)
    assert said in "".join(notes)


def test_forms_of_the_same_sizes_at_two_places_are_said():
    made = header(sform=(2, 2, 5), qform=(2, 2, 5))
    made["qoffset_x"] = 7
    assert "two places" in place(made)[1][0]
    made["qoffset_x"] = 0.5  # a quarter of a voxel
    assert place(made)[1] == []
