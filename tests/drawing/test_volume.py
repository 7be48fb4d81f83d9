import numpy as np
import pytest

from custom.drawing.colours import organ_colour
from custom.drawing.volume import radiological, slice_cell, volume_overlay

SPACING = (1.0, 1.0, 5.0)
ORGANS = ["liver", "spleen"]
LIVER, SPLEEN = organ_colour(1), organ_colour(2)
PANEL, GAP, LINE, LEGEND = 360, 8, 22, 20


def volume(**boxes):
    channels = np.zeros((60, 40, 10), dtype=np.uint8)
    for name, box in boxes.items():
        channels[box] = int(name[1:])
    return channels


def test_the_patients_right_is_at_the_left_and_the_front_on_top():
    plane = np.array([[1, 2, 3], [4, 5, 6]])  # x to the right, y to the front
    # the right front is x = 1, y = 2, a 6; the left back a 1
    assert radiological(plane).tolist() == [[6, 3], [5, 2], [4, 1]]


def colour_of(drawn, colour):
    return np.argwhere((drawn == colour).all(2))


def test_organs_are_outlined_where_they_are():
    # liver at the right and front, spleen at the left and back, both in all slices
    found = volume(c1=np.s_[40:55, 25:38, :], c2=np.s_[5:20, 2:15, :])
    drawn = volume_overlay(np.zeros(found.shape, np.float32), found, None, SPACING, ORGANS)
    # slices at 20, 50 and 80 % of the voxels: the second, fifth and eighth
    assert drawn.shape[1] == 3 * PANEL + 2 * GAP
    half = drawn.shape[0] - LEGEND - GAP
    for column in range(3):
        panel = drawn[half // 2 : half, column * (PANEL + GAP) : column * (PANEL + GAP) + PANEL]
        liver, spleen = (colour_of(panel, colour).mean(0) for colour in (LIVER, SPLEEN))
        assert liver[0] < spleen[0]
        assert liver[1] < PANEL / 2 < spleen[1]


def test_the_image_alone_is_above_where_there_is_no_reference():
    found = volume(c1=np.s_[20:40, 10:30, :])
    drawn = volume_overlay(np.full(found.shape, 0.5, np.float32), found, None, SPACING, ORGANS)
    above = drawn[LINE : (drawn.shape[0] - LEGEND - 2 * GAP) // 2]
    # nothing but grey 128 and the white gaps
    assert set(np.unique(above)) <= {128, 255}
    assert len(colour_of(drawn, LIVER)) > 0


def test_the_reference_is_above_and_its_outline_white_on_the_prediction():
    found, label = volume(c1=np.s_[20:40, 10:30, :]), volume(c2=np.s_[10:30, 10:30, :])
    drawn = volume_overlay(np.zeros(found.shape, np.float32), found, label, SPACING, ORGANS)
    middle = (drawn.shape[0] - LEGEND) // 2
    assert colour_of(drawn[:middle], LIVER).size == 0
    assert colour_of(drawn[:middle], SPLEEN).size > 0
    below = drawn[middle + LINE : drawn.shape[0] - LEGEND - GAP, :PANEL]
    assert colour_of(below, LIVER).size > 0
    assert colour_of(below, SPLEEN).size == 0
    assert 500 < len(colour_of(below, (255, 255, 255))) < 3000


def test_what_is_shown_is_the_organs_surroundings_in_the_patients_proportions():
    found = volume(c1=np.s_[10:50, 5:15, :])
    drawn = volume_overlay(np.zeros(found.shape, np.float32), found, None, (1.0, 2.0, 5.0), ORGANS)
    # x: 40 mm and 15 % on either side are 52 mm; y: three quarters of it, 39 mm or 19.5 voxels of 2 mm about the
    # middle at 10, so from 0 (10 - 9.75) to 20 (19.75): 40 mm. 360 px wide, 360 * 40 / 52 = 277 high.
    assert drawn.shape == (2 * (277 + LINE) + 2 * GAP + LEGEND, 3 * PANEL + 2 * GAP, 3)


@pytest.mark.parametrize("depth", [1, 2, 10])
def test_any_depth_and_volumes_without_organs_can_be_shown(depth):
    image = np.random.default_rng(0).random((30, 20, depth)).astype(np.float32)
    empty = np.zeros(image.shape, np.uint8)
    assert volume_overlay(image, empty, None, SPACING, ORGANS).dtype == np.uint8
    one = empty.copy()
    one[3, 4, 0] = 1
    drawn = volume_overlay(image, one, empty, SPACING, ORGANS)
    assert colour_of(drawn, LIVER).size > 0


def test_any_number_of_organs_can_be_shown():
    many = np.zeros((30, 30, 1), np.uint8)
    many[5:25, 5:25] = 17
    names = [f"organ {number}" for number in range(1, 18)]
    drawn = volume_overlay(many * 0.0, many, None, SPACING, names)
    assert colour_of(drawn, organ_colour(17)).size > 0
    assert colour_of(drawn, LIVER).size == 0


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match="label must be"):
        volume_overlay(np.zeros((4, 4, 4)), np.zeros((4, 4, 4), int), np.zeros((4, 4, 3), int), SPACING, ORGANS)


def test_a_cell_is_the_slice_as_radiologists_see_it_with_the_organs_outlined():
    plane = np.zeros((96, 48), np.float32)
    plane[48:] = 100 / 255  # the patient's right
    channels = np.zeros((96, 48), np.uint8)
    channels[60:80, 30:40] = 2
    cell = slice_cell(plane, channels, (1.0, 2.0), "a")
    picture = np.asarray(cell.picture)
    # 96 x 96 mm at 2 px a mm
    assert (picture.shape, cell.caption) == ((192, 192, 3), "a")
    assert picture[100, 20].tolist() == [100, 100, 100]
    assert picture[100, 170].tolist() == [0, 0, 0]
    ys, xs = colour_of(picture, SPLEEN).T
    # x 60 to 80 of 96 from the right: (96 - 80) * 2 = 32 to 71; y 30 to 40 of 48 from the front: 8 * 4 = 32 to 71.
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (32, 71, 32, 71)
    assert len(xs) == 4 * 39  # the rim alone
    assert colour_of(picture, LIVER).size == 0


def test_a_cell_without_organs_is_the_slice():
    plane = np.random.default_rng(0).random((192, 96)).astype(np.float32)
    picture = np.asarray(slice_cell(plane, None, (1.0, 1.0), "a").picture)
    assert picture.shape == (96, 192, 3)
    assert np.array_equal(picture[..., 1], np.round(255 * radiological(plane)))
