import nibabel as nib
import numpy as np
import pytest

from custom.data.volumes.files import Volume, VolumePair
from custom.data.volumes.sheet import volume_cell
from custom.drawing.colours import organ_colour

WINDOW = {"window_hu": [0.0, 255.0]}
AFFINE = np.diag([1.0, 1.0, 4.0, 1.0])
CHANNELS = {0: 0, 3: 1, 9: 2}


def pair(values, label=None, affine=AFFINE):
    return VolumePair(Volume(values, affine), None if label is None else Volume(label, affine))


def drawn(*arguments):
    return np.asarray(volume_cell(*arguments, WINDOW, CHANNELS, "x").picture)


def asymmetric():
    """96 x 48 x 5 voxels: bright at the right, brighter at the front right, and a label there in slice 3 of 5."""
    values = np.zeros((96, 48, 5), np.int16)
    values[48:] = 100
    values[48:, 24:] = 200
    label = np.zeros(values.shape, np.uint8)
    label[60:80, 30:40, 2] = 9
    return values, label


def test_the_patients_right_is_on_the_left_and_the_front_up():
    picture = drawn(pair(asymmetric()[0]))
    assert picture.shape == (96, 192, 3)  # 96 x 48 mm
    # Away from the borders between them, which are smoothed.
    corners = [picture[y, x, 0] for y in (10, 85) for x in (10, 180)]
    assert corners == [200, 0, 100, 0]


@pytest.mark.parametrize("axes", ["LPS", "PIR", "SAL", "RSP"])
def test_the_orientation_of_the_file_changes_nothing(axes):
    turn = nib.orientations.ornt_transform(
        nib.orientations.io_orientation(AFFINE), nib.orientations.axcodes2ornt(tuple(axes))
    )
    turned = [nib.Nifti1Image(one, AFFINE).as_reoriented(turn) for one in asymmetric()]
    volumes = [Volume(np.asarray(one.dataobj), one.affine) for one in turned]
    assert np.array_equal(drawn(VolumePair(*volumes)), drawn(pair(*asymmetric())))


def test_the_outline_is_that_of_the_label_in_its_colour():
    picture = drawn(pair(*asymmetric()))
    green = (picture == organ_colour(2)).all(-1)
    # 20 x 10 voxels are 40 x 20 pixels with a rim of 2 * (40 + 20) - 4.
    assert green.sum() == 116
    ys, xs = np.nonzero(green)
    # x 60 to 80 of 96 from the right: (96 - 80) * 2 = 32 to 71; y 30 to 40 of 48 from the front: 16 to 35.
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (32, 71, 16, 35)
    assert not (picture == organ_colour(1)).all(-1).any()


def test_the_middle_slice_of_those_with_a_label_is_shown():
    values = np.broadcast_to(np.arange(10, dtype=np.int16) * 20, (8, 8, 10)).copy()
    label = np.zeros(values.shape, np.uint8)
    label[0, 0, [1, 7, 8]] = 3
    cell = volume_cell(pair(values, label), WINDOW, CHANNELS, "a")
    assert cell.caption == "a, slice 8 of 10"
    assert np.asarray(cell.picture)[0, 0, 0] == 7 * 20
    for empty in (None, np.zeros_like(label)):
        assert volume_cell(pair(values, empty), WINDOW, CHANNELS, "a").caption == "a, slice 6 of 10"
    assert volume_cell(pair(values[..., :1]), WINDOW, CHANNELS, "a").caption == "a"


def test_voxels_that_are_no_squares_keep_their_shape():
    values = np.zeros((10, 10, 2), np.int16)
    assert drawn(pair(values, None, np.diag([1.0, 1.5, 1.0, 1.0]))).shape == (192, 128, 3)
    assert drawn(pair(np.zeros((1, 9000, 2), np.int16))).shape == (192, 1, 3)


def test_percentiles_and_a_volume_of_one_value():
    values = np.repeat(np.arange(101.0)[:, None, None], 4, 1)
    picture = np.asarray(volume_cell(pair(values), {"percentiles": [0.0, 100.0]}, {}, "x").picture)
    assert (picture.min(), picture.max()) == (0, 255)
    flat = volume_cell(pair(np.full((4, 4, 4), 7.0)), {"percentiles": [0.5, 99.5]}, {}, "x")
    assert np.asarray(flat.picture).max() == 0
