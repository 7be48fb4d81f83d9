"""Padding does not count, and what is not what a task wants is said."""

import numpy as np
import pytest

from custom.targets.intensities import oddity, spread, spreads, unlike
from custom.targets.organ_task import intensity_range
from custom.targets.padding import without_padding

CT, MR = {"window_hu": [-125, 275]}, {"percentiles": [0.5, 99.5]}


@pytest.fixture
def inner():
    """MR of 20 x 18 x 16 voxels."""
    return np.random.default_rng(0).integers(5, 250, (20, 18, 16)).astype(np.int16)


@pytest.fixture
def ct():
    """Air, fat and soft tissue in HU."""
    return np.random.default_rng(0).choice([-1000, -100, -60, 30, 60, 200], (20, 18, 16)).astype(np.int16)


@pytest.mark.parametrize("fill", [0, -1000, 255])
@pytest.mark.parametrize("width", [1, 40])
def test_padding_changes_no_scale(inner, fill, width):
    padded = np.pad(inner, ((width, 3), (0, width), (2, 2)), constant_values=fill)
    assert np.array_equal(without_padding(padded), inner)
    assert without_padding(padded[None]).shape == (1, 20, 18, 16)
    assert intensity_range(padded, MR) == intensity_range(inner, MR)


def test_what_is_no_padding_stays(inner):
    flat = np.full((9, 9, 9), 3)
    for values in (inner, flat, np.arange(100), np.zeros((0, 3))):
        assert without_padding(values) is values or np.array_equal(without_padding(values), values)


def test_air_around_a_turned_volume_leaves_a_contrast(inner):
    # 1 voxel in 512 is measured: both percentiles are those of the air
    values = np.zeros((64, 64, 64), np.int16)
    values[::8, ::8, ::8] = np.random.default_rng(1).integers(50, 150, (8, 8, 8))
    low, high = intensity_range(values, MR)
    assert 50 <= low < high <= 150


def test_ct_that_is_not_in_hu_is_said(ct):
    assert oddity(ct, CT) == ""
    byte = np.clip((ct + 125) / 400 * 255, 0, 255)
    for values in (byte, byte / 255, ct + 1024, np.pad(byte, 9, constant_values=-1024)):
        assert oddity(values, CT).endswith("although the window begins at -125 HU: are these HU?")
    assert "no voxel lies below 0" in oddity(byte.astype(np.uint8), CT)
    # a CT cut at its window is in HU
    assert oddity(np.clip(ct, -125, 275), CT) == ""


def test_what_shows_nothing_is_said(inner):
    assert "all voxels have one value" in oddity(np.full((9, 9, 9), 7), MR)
    assert oddity(inner, MR) == ""
    assert "although the window begins" in oddity(np.full((9, 9, 9), -900) + np.arange(9), CT)


def test_what_was_learnt_is_compared(ct):
    learnt = spreads([spread(ct, CT), spread(ct + 5, CT), None])
    assert np.array(learnt).shape == (3, 2)
    assert unlike(spread(ct + 3, CT), learnt) == ""
    assert "the bright end far below" in unlike(spread(ct // 10, CT), learnt)
    assert unlike(None, learnt) == ""
    assert unlike(spread(ct, CT), []) == ""
    assert spreads([None]) == []
