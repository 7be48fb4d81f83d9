"""Scores of organs by hand, uncropped, and against a loop over all pairs of outline voxels."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.metrics import compute_hausdorff_distance, compute_surface_dice

from custom.metrics import organ_scores

SPACING = (1.0, 2.0, 3.0)


def volume(*boxes, shape=(12, 10, 8)):
    channels = np.zeros(shape, dtype=np.uint8)
    for channel, box in boxes:
        channels[box] = channel
    return channels


def test_two_boxes_by_hand():
    # Both 4 x 4 x 4; the prediction lies 2 voxels of 1 mm further along x: 2 of 4 layers are shared, Dice 1/2.
    prediction = volume((1, np.s_[4:8, 2:6, 2:6]))
    label = volume((1, np.s_[2:6, 2:6, 2:6]))
    scores = organ_scores(prediction, label, SPACING, ["liver"], tolerance_mm=1.5)["liver"]
    assert scores["dice"] == 0.5
    # Of the prediction, layers 6 and 7 stand 1 and 2 mm off the label, which ends at 5. Layers 4 and 5 lie in the
    # label: their rims (12 voxels each) are rims of the label too. But layer 4 is the prediction's own end: its 4 inner
    # voxels are 1 mm from the label's end at 5. A box has 64 - 8 = 56 outline voxels: 24 at 0; 4 + 12 = 16 at 1 (inner
    # of layer 4, rim of layer 6); 16 at 2 (all of layer 7). The label's are the mirror of it: same distances.
    # 95 % of 56 sorted: place 0.95 * 55 = 52.25, a 2. Within 1.5 mm: 40 of 56.
    assert scores["hd95_mm"] == 2.0
    assert scores["surface_dice"] == pytest.approx(40 / 56)
    assert scores["outcome"] == "found"
    # 64 voxels of 6 mm³
    assert scores["label_ml"] == scores["predicted_ml"] == pytest.approx(0.384)


def test_organs_that_are_not_there_or_not_found():
    prediction = volume((1, np.s_[:2, :2, :2]), (4, np.s_[6:8, 6:8, 6:8]))
    label = volume((1, np.s_[:2, :2, :2]), (2, np.s_[4:6, 4:6, 4:6]))
    scores = organ_scores(prediction, label, SPACING, ["liver", "spleen", "aorta", "stomach"])
    assert [scores[name]["outcome"] for name in scores] == ["found", "missed", "absent", "extra"]
    # the volume is 12 x 20 x 24 mm
    diagonal = math.sqrt(12**2 + 20**2 + 24**2)
    values = [tuple(scores[name][key] for key in ("dice", "hd95_mm", "surface_dice")) for name in scores]
    assert values[0] == (1.0, 0.0, 1.0)
    assert values[1] == values[3] == pytest.approx((0.0, diagonal, 0.0))
    assert all(math.isnan(value) for value in values[2])
    assert (scores["spleen"]["label_ml"], scores["spleen"]["predicted_ml"]) == (pytest.approx(0.048), 0.0)


def test_the_crop_changes_nothing():
    """Against MONAI on the whole volume, also for masks at the volume's end and far from each other."""
    rng = np.random.default_rng(0)
    for shift in (0, 5):
        prediction, label = np.zeros((2, 24, 20, 9), dtype=np.uint8)
        prediction[:6, 3:9, 2:6], label[shift : shift + 7, 5:12, :5] = 1, 1
        prediction[rng.random(prediction.shape) < 0.01] = 1
        scores = organ_scores(prediction, label, SPACING, ["organ"], 2.0)["organ"]
        one, other = (torch.from_numpy(mask)[None, None].float() for mask in (prediction, label))
        hd95 = compute_hausdorff_distance(one, other, include_background=True, percentile=95, spacing=SPACING)
        surface = compute_surface_dice(one, other, [2.0], include_background=True, spacing=SPACING)
        assert scores["hd95_mm"] == pytest.approx(hd95.item())
        assert scores["surface_dice"] == pytest.approx(surface.item())


def outline(mask):
    padded = np.pad(mask, 1)
    inner = padded.copy()
    for axis in range(3):
        for step in (-1, 1):
            inner &= np.roll(padded, step, axis)
    return np.argwhere(padded & ~inner)


@settings(max_examples=25, deadline=None)
@given(
    *[hnp.arrays(bool, (5, 4, 3)).filter(lambda mask: mask.any()) for _ in range(2)],
    st.tuples(*[st.sampled_from([0.5, 1.0, 2.5])] * 3),
)
def test_against_all_pairs(prediction, label, spacing):
    scores = organ_scores(prediction.astype(np.uint8), label.astype(np.uint8), spacing, ["organ"], 1.0)["organ"]
    distances = np.linalg.norm((outline(prediction)[:, None] - outline(label)[None]) * spacing, axis=2)
    one, other = distances.min(1), distances.min(0)
    assert scores["hd95_mm"] == pytest.approx(max(np.percentile(one, 95), np.percentile(other, 95)), abs=1e-4)
    near = (one <= 1).sum() + (other <= 1).sum()
    assert scores["surface_dice"] == pytest.approx(near / (len(one) + len(other)))
    shared = 2 * (prediction & label).sum() / (prediction.sum() + label.sum())
    assert scores["dice"] == pytest.approx(shared)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_volume_of_one_slice_is_a_plane(axis):
    # 6 x 6 squares, one pixel apart, 2 mm a pixel: were it a volume, every pixel would lie on an outline.
    prediction, label = np.zeros((2, 12, 12), dtype=np.uint8)
    prediction[2:8, 2:8], label[3:9, 2:8] = 1, 1
    spacing = [2.0, 2.0]
    spacing.insert(axis, 9.0)
    flat = [np.expand_dims(plane, axis) for plane in (prediction, label)]
    scores = organ_scores(*flat, spacing, ["organ"], 0.5)["organ"]
    # An outline has 20 pixels. The label's: 2 x 5 of the sides lie on the prediction's sides; the far side's 6 and the
    # near side's inner 4 are one pixel from it: 10 of 20. The same the other way round.
    assert scores["surface_dice"] == pytest.approx(20 / 40)
    assert scores["hd95_mm"] == 2.0


@pytest.mark.parametrize(
    ("prediction", "label", "options", "words"),
    [
        (np.zeros((2, 2, 2)), np.zeros((2, 2, 3)), {}, "one shape"),
        (np.zeros((2, 2)), np.zeros((2, 2)), {}, "one shape"),
        (np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), {"spacing": (1, 0, 1)}, "must be > 0"),
        (np.zeros((2, 2, 2)), np.full((2, 2, 2), 2), {}, "at most 1, for a; got 2"),
    ],
)
def test_what_makes_no_sense_is_refused(prediction, label, options, words):
    with pytest.raises(ValueError, match=words):
        organ_scores(prediction, label, **{"spacing": SPACING, "classes": ["a"], **options})
