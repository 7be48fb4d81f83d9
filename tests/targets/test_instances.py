"""From maps to glands: drawn glands, what may not be split, what may not be merged, and properties on noise."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.draw import disk, ellipse

from custom.targets import boundary_band, clip_distance, instances, signed_distance

MPP, DISTANCE_UM, BOUNDARY_UM = 1.24, 15.0, 5.0


def fused(ids, blur_um=0.0, mpp=MPP):
    """What a perfect network of limited sharpness would give for these glands."""
    distance = signed_distance(ids, mpp)

    def blurred(image):
        return ndimage.gaussian_filter(image.astype(np.float64), blur_um / mpp)

    def logit(share):
        share = np.clip(blurred(share), 0.001, 0.999)
        return np.log(share / (1 - share))

    none = np.zeros(ids.shape)
    middle = blurred(clip_distance(distance, DISTANCE_UM))
    return np.stack([none, logit(ids > 0), middle, none, logit(boundary_band(distance, BOUNDARY_UM))])


def drawn(*shapes, size=(120, 160)):
    ids = np.zeros(size, dtype=np.int32)
    for number, (rows, columns) in enumerate(shapes, start=1):
        ids[rows, columns] = number
    return ids


def same_glands(found, ids):
    """Both maps hold the same objects, whatever their numbers, up to the pixels of blurred borders."""
    if found.max() != len(np.unique(ids)) - 1:
        return False
    for number in np.unique(ids)[1:]:
        share = np.bincount(found[ids == number], minlength=found.max() + 1)
        best = share[1:].argmax() + 1
        union = np.count_nonzero((ids == number) | (found == best))
        if share[best] / union < 0.85:
            return False
    return True


ROUND_PAIR = drawn(disk((60, 50), 25), disk((60, 99), 25))
UNEQUAL_PAIR = drawn(disk((60, 50), 35), disk((60, 96), 11))
FLAT_SIDES = drawn((slice(20, 100), slice(30, 70)), (slice(20, 100), slice(70, 110)))
# 12 and 15 µm wide: thinner ones are no foreground any more at a blur of 4 µm.
THIN = drawn((slice(20, 30), slice(10, 150)), (slice(40, 52), slice(10, 150)))
LONG = drawn(ellipse(60, 80, 20, 70))
# Two lobes of radius 25 px = 31 µm with a neck 32 px = 40 µm wide: one gland.
WAISTED = (drawn(disk((60, 50), 25), disk((60, 99), 25), (slice(44, 76), slice(50, 99))) > 0).astype(np.int32)

# A string of lobes of radius 10 px = 12 µm, the necks between them 12 px = 15 µm wide: one gland.
WAVY = (drawn(*(disk((60, column), 10) for column in (30, 50, 70, 90)), (slice(54, 66), slice(30, 90))) > 0).astype(
    np.int32
)


@pytest.mark.parametrize("blur_um", [0.0, 2.0, 4.0])
@pytest.mark.parametrize(
    "ids",
    [ROUND_PAIR, UNEQUAL_PAIR, FLAT_SIDES, THIN, LONG, WAISTED, WAVY],
    ids=["round_pair", "unequal_pair", "flat_sides", "thin", "long", "waisted", "wavy"],
)
def test_glands_come_back(ids, blur_um):
    assert same_glands(instances(fused(ids, blur_um), MPP, DISTANCE_UM), ids)
    assert same_glands(instances(fused(ids.T, blur_um), MPP, DISTANCE_UM), ids.T)


def test_glands_come_back_exactly_from_sharp_maps():
    found = instances(fused(FLAT_SIDES), MPP, DISTANCE_UM)
    # The border falls on the edge between columns 69 and 70, or a pixel beside it: both columns are equally high.
    assert np.array_equal(found > 0, FLAT_SIDES > 0)
    assert found.max() == 2
    assert np.count_nonzero(found[:, :69] == found[50, 40]) == 80 * 39


@pytest.mark.parametrize("mpp", [0.31, 0.62, 2.48])
def test_the_size_of_a_pixel_does_not_decide(mpp):
    scale = MPP / mpp
    ids = drawn(
        disk((60 * scale, 50 * scale), 25 * scale),
        disk((60 * scale, 98 * scale), 25 * scale),
        size=(round(120 * scale), round(160 * scale)),
    )
    assert same_glands(instances(fused(ids, 3.0, mpp), mpp, DISTANCE_UM), ids)


def test_touching_glands_need_the_distance_or_the_boundary():
    maps = fused(ROUND_PAIR, 2.0)
    flat_distance = maps.copy()
    flat_distance[2] = np.where(maps[2] > -0.2, 1.0, -1.0)
    assert instances(flat_distance, MPP, DISTANCE_UM).max() == 2
    no_boundary = maps.copy()
    no_boundary[4] = -7.0
    assert instances(no_boundary, MPP, DISTANCE_UM).max() == 2
    neither = no_boundary.copy()
    neither[2] = np.where(maps[2] > -0.5, 1.0, -1.0)
    assert instances(neither, MPP, DISTANCE_UM).max() == 1


def test_specks_go_and_holes_are_filled():
    ids = drawn(disk((60, 60), 30), (slice(5, 8), slice(5, 8)))
    holed = ids.copy()
    holed[disk((60, 60), 8)] = 0
    holed[60, 60] = 2  # an islet in the hole
    found = instances(fused(holed), MPP, DISTANCE_UM)
    # An islet of the size of a gland is part of the gland around it, too.
    holed[disk((60, 60), 20)] = 0
    holed[disk((60, 60), 12)] = 2
    assert np.array_equal(instances(fused(holed), MPP, DISTANCE_UM), ids == 1)
    # The speck is 9 px = 9 * 1.24^2 = 13.8 µm2.
    assert np.array_equal(found, ids == 1)
    assert instances(fused(ids), MPP, DISTANCE_UM, min_area_um2=13.9).max() == 1
    assert instances(fused(ids), MPP, DISTANCE_UM, min_area_um2=13.8).max() == 2


def test_a_small_bump_of_a_gland_is_not_cut_off():
    # A nose of 9 x 8 px = 111 µm2 on a gland, with a height of its own: too small to be a gland, so part of this one.
    ids = drawn((slice(30, 90), slice(30, 90)), (slice(50, 59), slice(90, 98)))
    found = instances(fused(ids), MPP, DISTANCE_UM, min_area_um2=200.0)
    assert np.array_equal(found, ids > 0)
    assert instances(fused(ids), MPP, DISTANCE_UM, min_area_um2=50.0).max() == 2


def test_nothing_and_everything():
    assert instances(fused(np.zeros((30, 40), dtype=np.int32)), MPP, DISTANCE_UM).tolist() == [[0] * 40] * 30
    assert instances(fused(np.ones((30, 40), dtype=np.int32)), MPP, DISTANCE_UM).tolist() == [[1] * 40] * 30


def test_the_threshold_is_one_half_and_tensors_are_read():
    maps = torch.zeros(5, 30, 40)
    maps[2] = 1.0
    assert instances(maps, MPP, DISTANCE_UM).max() == 0  # a probability of exactly 0.5 is background
    maps[1] = 1e-6
    found = instances(maps, MPP, DISTANCE_UM)
    assert found.dtype == np.int32
    assert found.min() == 1


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1.0, 2.5]), st.sampled_from([0.0, 4.0, 40.0]))
def test_every_foreground_pixel_belongs_to_a_gland_or_to_a_speck(seed, smooth_px, min_area_um2):
    draw = np.random.default_rng(seed)
    maps = ndimage.gaussian_filter(draw.normal(size=(5, 25, 32)), (0, smooth_px, smooth_px))
    maps /= maps.std()
    before = maps.copy()
    found = instances(maps, 1.0, DISTANCE_UM, min_area_um2)
    assert np.array_equal(maps, before)
    foreground = maps[1] > maps[0]
    assert np.array_equal(np.unique(found[found > 0]), np.arange(1, found.max() + 1))
    for number in range(1, found.max() + 1):
        gland = found == number
        assert gland.sum() >= min_area_um2
        assert ndimage.label(gland)[1] == 1
        assert np.array_equal(ndimage.binary_fill_holes(gland), gland)
        assert (gland & foreground).any()
    pieces, count = ndimage.label(foreground)
    for piece in range(1, count + 1):
        inside = pieces == piece
        lost = inside & (found == 0)
        if lost.any():
            assert np.array_equal(lost, inside)
            assert inside.sum() < max(min_area_um2, 1)


@pytest.mark.parametrize(
    ("maps", "sizes", "message"),
    [
        (np.zeros((4, 5, 5)), {}, "shape"),
        (np.zeros((1, 5, 5, 5)), {}, "shape"),
        (np.full((5, 5, 5), np.nan), {}, "NaN"),
        (np.zeros((5, 5, 5)), {"mpp": 0.0}, "mpp"),
        (np.zeros((5, 5, 5)), {"distance_um": -1.0}, "distance_um"),
        (np.zeros((5, 5, 5)), {"min_area_um2": -1.0}, "min_area_um2"),
    ],
)
def test_what_makes_no_sense_is_refused(maps, sizes, message):
    with pytest.raises(ValueError, match=message):
        instances(maps, **({"mpp": 1.0, "distance_um": 15.0} | sizes))
