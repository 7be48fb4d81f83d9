"""Bootstrap intervals against all draws that are possible."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom.metrics import bootstrap_interval


def test_two_patients_by_hand():
    # Patient a has 0, 0, 0, patient b has 1. Draws: a a (1/4 of them) mean 0; a b or b a (1/2) mean 1/4; b b (1/4)
    # mean 1.
    values, groups = [0.0, 0.0, 0.0, 1.0], ["a", "a", "a", "b"]
    assert bootstrap_interval(values, groups) == (0.0, 1.0)
    # The middle 40 % lie within the half that is 1/4.
    assert bootstrap_interval(values, groups, confidence=0.4) == (0.25, 0.25)
    # Without patients the mean 1 needs four draws of the one image: (1/4)^4 = 0.4 %, less than the upper 2.5 %.
    assert bootstrap_interval(values)[1] < 1.0


@pytest.mark.parametrize("groups", [None, ["a", "b", "b", "c"], [None, "b", "b", None]])
def test_against_all_possible_draws(groups):
    values = np.array([0.2, 0.5, 0.9, 0.6])
    patients = [[0], [1], [2], [3]] if groups is None else [[0], [1, 2], [3]]
    means = [
        values[[image for patient in draw for image in patient]].mean()
        for draw in itertools.product(patients, repeat=len(patients))
    ]
    low, high = bootstrap_interval(values, groups, confidence=0.8, draws=20000)
    # Within the means at the neighbouring shares, since the draws are random.
    assert np.quantile(means, 0.07) <= low <= np.quantile(means, 0.13)
    assert np.quantile(means, 0.87) <= high <= np.quantile(means, 0.93)


def test_several_scores_of_a_volume_by_hand():
    # Patient a has 0 and 1, patient b 1 and none. Draws: a a: (0 + 1) / 2 = 1/2; a b: ((0 + 1) / 2 + 1) / 2 = 3/4;
    # b b: the first score alone, 1. In quarters 1, 2, 1.
    values = [[0.0, 1.0], [1.0, float("nan")]]
    assert bootstrap_interval(values, ["a", "b"]) == (0.5, 1.0)
    assert bootstrap_interval(values, ["a", "b"], confidence=0.4) == (0.75, 0.75)
    # One column is the plain case.
    assert bootstrap_interval([[0.2], [0.5], [0.9]]) == bootstrap_interval([0.2, 0.5, 0.9])
    # A patient without any score changes nothing but the draws that are left: b b says nothing.
    assert bootstrap_interval([[0.5], [float("nan")]]) == (0.5, 0.5)


def test_patients_widen_the_interval():
    draw = np.random.default_rng(0)
    patient = np.repeat(np.arange(10), 6)
    values = draw.normal(size=10)[patient] + 0.01 * draw.normal(size=60)
    low, high = bootstrap_interval(values)
    low_patients, high_patients = bootstrap_interval(values, patient.tolist())
    # 6 images a patient that are all alike: sqrt(6) = 2.4 times as wide.
    assert 2.0 < (high_patients - low_patients) / (high - low) < 2.9


@given(
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abc")), min_size=2, max_size=8),
    st.integers(0, 2**31),
    st.booleans(),
)
def test_properties(images, seed, by_patient):
    values = [value for value, _ in images]
    groups = [group for _, group in images] if by_patient else None
    low, high = bootstrap_interval(values, groups, seed=seed, draws=50)
    assert (low, high) == pytest.approx(bootstrap_interval(values, groups, seed=seed, draws=50), nan_ok=True)
    if groups is not None and len(set(groups)) == 1:
        assert math.isnan(low)
        assert math.isnan(high)
    else:
        assert min(values) - 1e-12 <= low <= high <= max(values) + 1e-12
        moved = bootstrap_interval(np.add(values, 5.0), groups, seed=seed, draws=50)
        assert moved == pytest.approx((low + 5, high + 5))


def test_one_image_says_nothing():
    assert all(math.isnan(end) for end in bootstrap_interval([0.7]))


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {}, "values"),
        ([0.1, float("nan")], {}, "values"),
        ([[float("nan")], [float("nan")]], {}, "values"),
        ([0.1, 0.2], {"groups": ["a"]}, "2 values but 1 groups"),
        ([0.1, 0.2], {"confidence": 1.0}, "confidence"),
        ([0.1, 0.2], {"draws": 0}, "draws"),
    ],
)
def test_what_makes_no_sense_is_refused(values, options, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(values, **options)
