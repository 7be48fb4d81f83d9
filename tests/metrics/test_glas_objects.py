"""The GlaS object metrics: sums by hand, a slow loop over pairs of pixels, properties.

Most hand-worked images are strips one pixel high, so that every distance is a difference of columns.
"""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from custom.metrics import object_scores

NAMES = ("object_f1", "object_dice", "object_hausdorff")


def strip(*objects, width=12):
    """One row; each object is the range of its first and last column."""
    ids = np.zeros((1, width), dtype=np.int32)
    for number, (first, last) in enumerate(objects, start=1):
        ids[0, first : last + 1] = number
    return ids


def check(prediction, label, f1, dice, hausdorff):
    scores = object_scores(prediction, label)
    assert scores == pytest.approx(dict(zip(NAMES, (f1, dice, hausdorff), strict=True)))


def test_perfect():
    check(strip((0, 1), (3, 5)), strip((0, 1), (3, 5)), 1, 1, 0)


# Truth A = 0..3 (4 pixels), B = 8..9 (2 pixels); found s = 0..3. TP 1, FN 1: F1 = 2 / (2 + 1).
# Dice: true side 4/6 * 1 + 2/6 * 0 = 2/3, found side 1; mean 5/6.
# Hausdorff: A and s: 0. B meets nothing; nearest is s: from 9 to 3 = 6, from 0 to 8 = 8, so 8. True side 2/6 * 8 = 8/3,
# found side 0; mean 4/3.
def test_one_missed():
    check(strip((0, 3)), strip((0, 3), (8, 9)), 2 / 3, 5 / 6, 4 / 3)


def test_one_false_positive():
    # The same with the sides exchanged: FP 1 instead of FN 1.
    check(strip((0, 3), (8, 9)), strip((0, 3)), 2 / 3, 5 / 6, 4 / 3)


# Truth A = 0..9; found s = 0..5 (6) and t = 6..9 (4). s covers 6/10: TP; t covers 4/10: FP. F1 = 2 / (2 + 1).
# Dice: A with s 12/16 = 3/4; found side 0.6 * 12/16 + 0.4 * 8/14 = 19/28; mean (21/28 + 19/28) / 2 = 5/7.
# Hausdorff: A and s: from 9 to 5 = 4; A and t: from 0 to 6 = 6. True side 4, found side 0.6 * 4 + 0.4 * 6 = 4.8: 4.4.
def test_one_split():
    check(strip((0, 5), (6, 9)), strip((0, 9)), 2 / 3, 5 / 7, 4.4)


def test_two_merged():
    # The same with the sides exchanged: the found object covers all of A, its larger partner; B is missed.
    check(strip((0, 9)), strip((0, 5), (6, 9)), 2 / 3, 5 / 7, 4.4)


def test_two_halves_are_one_hit():
    # Both cover exactly half of the truth, which is enough, but only one may count: TP 1, FP 1: 2 / 3.
    # Dice: A 10/15; found side 10/15. Hausdorff: from 9 to 4 = 5, from 0 to 5 = 5.
    check(strip((0, 4), (5, 9)), strip((0, 9)), 2 / 3, 2 / 3, 5)


def test_less_than_half_is_no_hit():
    # 4 of 10 covered: FP 1, FN 1. Dice 8/14 on both sides. Hausdorff from 9 to 3 = 6.
    check(strip((0, 3)), strip((0, 9)), 0, 4 / 7, 6)


def test_the_partner_is_the_one_with_most_pixels_in_common():
    # Truth A = 0..9, B = 10..11; found s = 6..11 shares 4 with A, 2 with B. Its partner is A, of which it covers 4/10:
    # FP, although it covers B; FN 2: F1 0. Dice: A and s 8/16, B and s 4/8: 1/2 everywhere. Hausdorff: A and s: from 0
    # to 6 = 6; B and s: from 6 to 10 = 4. True side (10 * 6 + 2 * 4) / 12 = 17/3; found side 6.
    check(strip((6, 11)), strip((0, 9), (10, 11)), 0, 1 / 2, (17 / 3 + 6) / 2)


def test_nothing_in_common():
    # Truth 0..1 and 4..5, found 9..10. F1 0, Dice 0. To 4..5: 5; to 0..1: 9. True side 5/2 + 9/2 = 7, found side the
    # nearest: 5; mean 6.
    check(strip((9, 10)), strip((0, 1), (4, 5)), 0, 0, 6)


def test_the_nearest_is_the_nearest_in_hausdorff_distance():
    # Truth: the pixels (0, 0) and (0, 10), one object. Found: the bar (1, 0) to (1, 10), 11 pixels, whose middle is
    # sqrt(1 + 25) from the truth; and the pixels (3, 0) and (3, 10), 3 away all over. The bar has nearer ends, the
    # pair is nearest. True side 3, found side (11 * sqrt(26) + 2 * 3) / 13.
    label, prediction = np.zeros((2, 4, 11), dtype=np.int32)
    label[0, [0, 10]] = 1
    prediction[1] = 1
    prediction[3, [0, 10]] = 2
    check(prediction, label, 0, 0, (3 + (11 * math.sqrt(26) + 6) / 13) / 2)


def test_both_empty_and_one_empty():
    empty, ids = np.zeros((3, 4), dtype=np.int32), np.ones((3, 4), dtype=np.int32)
    check(empty, empty, 1, 1, 0)
    # The diagonal of 3 x 4 pixels is 5.
    check(empty, ids, 0, 0, 5)
    check(ids, empty, 0, 0, 5)


def test_the_distance_is_over_all_pixels_not_over_outlines():
    # A full square and a square ring: the square's middle is 2 from the ring. All of the square's outline lies on the
    # ring.
    full = np.ones((5, 5), dtype=np.int32)
    ring = full.copy()
    ring[1:4, 1:4] = 0
    assert object_scores(full, ring)["object_hausdorff"] == 2
    assert object_scores(ring, full)["object_hausdorff"] == 2


def test_pieces_of_one_id_are_one_object():
    label = np.array([[1, 1, 0, 1, 1]])
    check(label, label, 1, 1, 0)
    # As two objects, each covers half and one is too many: F1 2/3.
    assert object_scores(np.array([[1, 1, 0, 2, 2]]), label)["object_f1"] == pytest.approx(2 / 3)


def test_micrometres_and_the_channel_axis():
    scores = object_scores(torch.tensor([[[1, 1, 0, 0]]]), torch.tensor([[[1, 1, 1, 1]]]), mpp=0.5)
    assert scores["object_hausdorff"] == 2
    assert scores["object_hausdorff_um"] == 1


def slow_scores(prediction, label):
    """The paper's definitions, one pixel at a time."""

    def objects(ids):
        found = {}  # in reading order
        for at in np.ndindex(ids.shape):
            if ids[at]:
                found.setdefault(ids[at], set()).add(at)
        return list(found.values())

    def distance(one, other):
        def reach(a, b):
            return max(min(math.dist(x, y) for y in b) for x in a)

        return max(reach(one, other), reach(other, one))

    def partner(one, others):
        most = max(others, key=lambda other: len(one & other))
        return most if one & most else None

    found, true = objects(prediction), objects(label)
    if not found and not true:
        return 1.0, 1.0, 0.0
    if not found or not true:
        return 0.0, 0.0, math.hypot(*label.shape)
    hits = []
    for one in found:
        best = partner(one, true)
        if best is not None and best not in hits and len(one & best) >= len(best) / 2:
            hits.append(best)
    positive, extra, missed = len(hits), len(found) - len(hits), len(true) - len(hits)
    dice = hausdorff = 0.0
    for ours, theirs in ((found, true), (true, found)):
        total = sum(len(one) for one in ours)
        for one in ours:
            best = partner(one, theirs)
            share = len(one) / total / 2
            dice += 0 if best is None else share * 2 * len(one & best) / (len(one) + len(best))
            hausdorff += share * (distance(one, best) if best else min(distance(one, other) for other in theirs))
    return 2 * positive / (2 * positive + extra + missed), dice, hausdorff


@st.composite
def id_pairs(draw, most=12):
    """Two maps of blobs: scattered ids grown by repeating pixels, so that objects have areas and pieces."""
    shape = draw(st.tuples(st.integers(1, most), st.integers(1, most)))
    grown = draw(st.integers(1, 3))
    elements = st.sampled_from([0, 0, 1, 2, 3, 5, 200])
    small = tuple(-(-side // grown) for side in shape)
    pair = []
    for _ in range(2):
        ids = draw(hnp.arrays(np.int32, small, elements=elements)).repeat(grown, 0).repeat(grown, 1)
        pair.append(np.roll(ids, draw(st.integers(0, 2)), axis=1)[: shape[0], : shape[1]])
    return pair


@settings(deadline=None, max_examples=150)
@given(id_pairs())
def test_against_the_slow_loop(pair):
    scores = object_scores(*pair)
    assert [scores[name] for name in NAMES] == pytest.approx(slow_scores(*pair))


@pytest.mark.parametrize("seed", range(4))
def test_against_the_slow_loop_on_larger_objects(seed):
    draw = np.random.default_rng(seed)
    maps = []
    for _ in range(2):
        ids = np.zeros((26, 34), dtype=np.int32)
        for number in range(1, 8):
            row, column, height, width = (
                draw.integers(0, 26),
                draw.integers(0, 34),
                draw.integers(2, 9),
                draw.integers(2, 9),
            )
            ids[row : row + height, column : column + width] = number
        maps.append(ids)
    scores = object_scores(*maps)
    assert [scores[name] for name in NAMES] == pytest.approx(slow_scores(*maps))


@settings(deadline=None)
@given(id_pairs(), st.permutations(range(1, 202)))
def test_ids_are_only_names(pair, names):
    renamed = [np.concatenate([[0], names])[ids] for ids in pair]
    before = [ids.copy() for ids in pair]
    assert object_scores(*renamed) == object_scores(*pair)
    assert all(np.array_equal(ids, copy) for ids, copy in zip(pair, before, strict=True))


@settings(deadline=None)
@given(id_pairs())
def test_scores_are_in_range_and_only_a_perfect_prediction_is_perfect(pair):
    scores = object_scores(*pair)
    assert 0 <= scores["object_f1"] <= 1
    assert 0 <= scores["object_dice"] <= 1 + 1e-12
    assert 0 <= scores["object_hausdorff"] <= math.hypot(*pair[0].shape)
    check(pair[1], pair[1], 1, 1, 0)
    mirrored = object_scores(pair[1], pair[0])
    assert mirrored["object_dice"] == pytest.approx(scores["object_dice"])
    assert mirrored["object_hausdorff"] == pytest.approx(scores["object_hausdorff"])
    assert (scores["object_hausdorff"] == 0) == (scores["object_dice"] > 1 - 1e-9)


@pytest.mark.parametrize(
    ("prediction", "label", "message"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2)), "prediction is"),
        (np.zeros((2, 2, 3)), np.zeros((2, 2, 3)), "shape"),
        (np.full((2, 3), -1), np.zeros((2, 3)), ">= 0"),
        (np.full((2, 3), 0.5), np.zeros((2, 3)), "whole"),
        (np.full((2, 3), np.nan), np.zeros((2, 3)), "whole"),
    ],
)
def test_what_makes_no_sense_is_refused(prediction, label, message):
    with pytest.raises(ValueError, match=message):
        object_scores(prediction, label)
