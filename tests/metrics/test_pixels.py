"""Pixel scores by hand, and against MONAI's own."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.metrics import compute_dice, compute_iou

from custom.metrics import confusion, pixel_scores

# First image: hit 1, false 1, missed 0, background 2. Second: hit 0, false 0, missed 1, background 3.
PREDICTIONS = [np.array([[1, 1], [0, 0]]), np.array([[0, 0], [0, 0]])]
LABELS = [np.array([[9, 0], [0, 0]]), np.array([[0, 0], [0, 255]])]
# Pooled: hit 1, false 1, missed 1, background 5. Gland: Dice 2 / (2 + 1 + 1) = 1/2, Jaccard 1/3.
# Background: hit 5, false 1, missed 1: Dice 10/12 = 5/6, Jaccard 5/7. Means: (1/2 + 5/6) / 2 = 2/3, (1/3 + 5/7) / 2 =
# 11/21.
POOLED = {"dice": 1 / 2, "jaccard": 1 / 3, "mdice": 2 / 3, "mjaccard": 11 / 21}


def test_counts_by_hand():
    assert confusion(PREDICTIONS[0], LABELS[0]).tolist() == [[2, 1], [0, 1]]
    assert confusion(PREDICTIONS[1], LABELS[1]).tolist() == [[3, 0], [1, 0]]


def test_pooled_by_hand():
    counts = sum(confusion(*pair) for pair in zip(PREDICTIONS, LABELS, strict=True))
    assert pixel_scores(counts) == pytest.approx(POOLED)


def test_per_image_by_hand():
    # Gland 2 / (2 + 1) and 1/2; background 4 / (4 + 1) and 2/3.
    scores = pixel_scores(confusion(PREDICTIONS[0], LABELS[0]))
    assert scores == pytest.approx({"dice": 2 / 3, "jaccard": 1 / 2, "mdice": 11 / 15, "mjaccard": 7 / 12})


def test_empty_masks():
    empty, full = np.zeros((2, 2)), np.ones((2, 2))
    assert set(pixel_scores(confusion(empty, empty)).values()) == {1.0}
    assert set(pixel_scores(confusion(full, full)).values()) == {1.0}
    assert set(pixel_scores(confusion(full, empty)).values()) == {0.0}
    assert pixel_scores(confusion(empty, full))["dice"] == 0


MASK = hnp.arrays(bool, (4, 5))


@given(MASK, MASK)
def test_against_monai(prediction, label):
    scores = pixel_scores(confusion(prediction, label))
    one_hot = [torch.tensor(np.stack([~mask, mask]))[None] for mask in (prediction, label)]
    dice = compute_dice(*one_hot, ignore_empty=False)[0]
    assert scores["dice"] == pytest.approx(dice[1].item(), abs=1e-6)
    assert scores["mdice"] == pytest.approx(dice.mean().item(), abs=1e-6)
    jaccard = compute_iou(*one_hot, ignore_empty=False)[0]
    assert scores["jaccard"] == pytest.approx(jaccard[1].item(), abs=1e-6)
    assert scores["mjaccard"] == pytest.approx(jaccard.mean().item(), abs=1e-6)
    assert confusion(prediction, label).sum() == label.size


@given(st.lists(st.tuples(MASK, MASK), min_size=1, max_size=4))
def test_pooling_is_laying_the_images_side_by_side(pairs):
    summed = sum(confusion(*pair) for pair in pairs)
    together = confusion(*(np.concatenate(masks) for masks in zip(*pairs, strict=True)))
    assert np.array_equal(summed, together)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="prediction is"):
        confusion(np.zeros((2, 3)), np.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        pixel_scores(np.zeros((3, 3)))
    with pytest.raises(ValueError, match=">= 0"):
        pixel_scores([[1, 1], [1, -1]])
