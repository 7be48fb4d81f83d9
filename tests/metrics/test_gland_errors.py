"""Glands on a strip, whose pixels are counted by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from custom.metrics import gland_errors


def strip(text):
    return np.array([[int(letter) for letter in text]])


def test_each_kind_by_hand():
    label = strip("1111002222003333004444")
    found = strip("1000000777777777008899")
    # 1: one of four pixels is found, below half: missed; the one found pixel lies in it whole: not extra.
    # 7: nine pixels cover 3 of 2's four and all four of 3: merged; 7 of its 9 lie in true glands: not extra.
    # 4: 8 and 9 lie in it whole: split.
    assert gland_errors(found, label) == {"missed": [1], "extra": [], "merged": [7], "split": [4]}


def test_half_is_enough():
    # 2 of 4 pixels: neither missed nor extra.
    assert gland_errors(strip("001111"), strip("111100")) == {"missed": [], "extra": [], "merged": [], "split": []}
    assert gland_errors(strip("000111"), strip("111100")) == {"missed": [1], "extra": [1], "merged": [], "split": []}


def test_nothing_there():
    nothing = {"missed": [], "extra": [], "merged": [], "split": []}
    assert gland_errors(strip("0000"), strip("0000")) == nothing
    assert gland_errors(strip("0505"), strip("0000")) == nothing | {"extra": [5]}
    assert gland_errors(strip("0000"), strip("0303")) == nothing | {"missed": [3]}


@given(st.integers(0, 2**16))
def test_found_and_true_change_places(seed):
    """What is missed from one side is extra from the other; what is merged is split."""
    one, other = np.random.default_rng(seed).integers(0, 4, (2, 6, 6))
    there, back = gland_errors(one, other), gland_errors(other, one)
    assert (there["missed"], there["merged"]) == (back["extra"], back["split"])
