import numpy as np
import pytest

from custom.drawing.volume import COLOURS, organ_overlay, radiological

SPACING = (1.0, 1.0, 5.0)
ORGANS = ["liver", "spleen"]
PANEL, GAP, LINE = 360, 8, 22


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
    drawn = organ_overlay(np.zeros(found.shape, np.float32), found, None, SPACING, ORGANS)
    # slices at 20, 50 and 80 % of the voxels: the second, fifth and eighth
    assert drawn.shape[1] == 3 * PANEL + 2 * GAP
    half = drawn.shape[0] - LINE - GAP
    for column in range(3):
        panel = drawn[half // 2 : half, column * (PANEL + GAP) : column * (PANEL + GAP) + PANEL]
        liver, spleen = (colour_of(panel, colour).mean(0) for colour in COLOURS[:2])
        assert liver[0] < spleen[0]
        assert liver[1] < PANEL / 2 < spleen[1]


def test_the_image_alone_is_above_where_there_is_no_reference():
    found = volume(c1=np.s_[20:40, 10:30, :])
    drawn = organ_overlay(np.full(found.shape, 0.5, np.float32), found, None, SPACING, ORGANS)
    above = drawn[LINE : (drawn.shape[0] - LINE - 2 * GAP) // 2]
    # nothing but grey 128 and the white gaps
    assert set(np.unique(above)) <= {128, 255}
    assert len(colour_of(drawn, COLOURS[0])) > 0


def test_the_reference_is_above_and_its_outline_white_on_the_prediction():
    found, label = volume(c1=np.s_[20:40, 10:30, :]), volume(c2=np.s_[10:30, 10:30, :])
    drawn = organ_overlay(np.zeros(found.shape, np.float32), found, label, SPACING, ORGANS)
    middle = (drawn.shape[0] - LINE) // 2
    assert colour_of(drawn[:middle], COLOURS[0]).size == 0
    assert colour_of(drawn[:middle], COLOURS[1]).size > 0
    below = drawn[middle + LINE : drawn.shape[0] - LINE - GAP, :PANEL]
    assert colour_of(below, COLOURS[0]).size > 0
    assert colour_of(below, COLOURS[1]).size == 0
    assert 500 < len(colour_of(below, (255, 255, 255))) < 3000


def test_what_is_shown_is_the_organs_surroundings_in_the_patients_proportions():
    found = volume(c1=np.s_[10:50, 5:15, :])
    drawn = organ_overlay(np.zeros(found.shape, np.float32), found, None, (1.0, 2.0, 5.0), ORGANS)
    # x: 40 mm and 15 % on either side are 52 mm; y: three quarters of it, 39 mm or 19.5 voxels of 2 mm about the
    # middle at 10, so from 0 (10 - 9.75) to 20 (19.75): 40 mm. 360 px wide, 360 * 40 / 52 = 277 high.
    assert drawn.shape == (2 * (277 + LINE) + 2 * GAP + LINE, 3 * PANEL + 2 * GAP, 3)


@pytest.mark.parametrize("depth", [1, 2, 10])
def test_any_depth_and_volumes_without_organs_can_be_shown(depth):
    image = np.random.default_rng(0).random((30, 20, depth)).astype(np.float32)
    empty = np.zeros(image.shape, np.uint8)
    assert organ_overlay(image, empty, None, SPACING, ORGANS).dtype == np.uint8
    one = empty.copy()
    one[3, 4, 0] = 1
    drawn = organ_overlay(image, one, empty, SPACING, ORGANS)
    assert colour_of(drawn, COLOURS[0]).size > 0


def test_more_organs_than_colours_start_again():
    many = np.zeros((30, 30, 1), np.uint8)
    many[5:25, 5:25] = len(COLOURS) + 1
    names = [f"organ {number}" for number in range(len(COLOURS) + 1)]
    assert colour_of(organ_overlay(many * 0.0, many, None, SPACING, names), COLOURS[0]).size > 0


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match="label must be"):
        organ_overlay(np.zeros((4, 4, 4)), np.zeros((4, 4, 4), int), np.zeros((4, 4, 3), int), SPACING, ORGANS)
