"""Gate use by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from custom.metrics import gate_moments, gate_use


def test_one_weight_an_image_by_hand():
    # Expert 0: 0.8 and 0.4, mean 0.6, spread 0.2; expert 1: 0.2 and 0.6, mean 0.4, spread 0.2.
    use = gate_use(gate_moments(torch.tensor([[0.8, 0.2], [0.4, 0.6]])))
    assert use["mean"] == pytest.approx([0.6, 0.4])
    assert use["spread"] == pytest.approx([0.2, 0.2])
    assert use["spread_pixels"] == pytest.approx([0.2, 0.2])
    assert use["state"] == "choosing"


def test_one_weight_a_pixel_by_hand():
    # Two images of two pixels. Expert 0: (1, 0.5) and (0.5, 0): image means 0.75, 0.25; mean 0.5, spread 0.25.
    # Over pixels: squares (1 + 0.25 + 0.25 + 0) / 4 = 0.375, less 0.5^2 = 0.125: sqrt(0.125).
    first = torch.tensor([[[1.0, 0.5]], [[0.5, 0.0]]])
    use = gate_use(gate_moments(torch.stack([first, 1 - first], dim=1)))
    assert use["mean"] == pytest.approx([0.5, 0.5])
    assert use["spread"] == pytest.approx([0.25, 0.25])
    assert use["spread_pixels"] == pytest.approx([math.sqrt(0.125)] * 2)
    assert use["state"] == "choosing"


@pytest.mark.parametrize(
    ("weights", "state"),
    [
        ([[1 / 3, 1 / 3, 1 / 3]] * 4, "indifferent"),
        ([[0.335, 0.331, 0.334], [0.331, 0.336, 0.333]], "indifferent"),
        ([[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6]], "choosing"),  # 1/3 on average, and yet a choice
        ([[0.36, 0.32, 0.32]] * 4, "choosing"),  # 0.36 - 1/3 = 0.027
        ([[0.97, 0.02, 0.01], [0.94, 0.03, 0.03]], "collapsed"),
        ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], "choosing"),  # each image goes to one expert, but not all to the same
    ],
)
def test_states(weights, state):
    assert gate_use(gate_moments(torch.tensor(weights)))["state"] == state


def test_a_gate_that_chooses_within_images_is_not_indifferent():
    # Every image's mean is 1/2, every pixel is all or nothing.
    half = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]).repeat(3, 1, 1)
    use = gate_use(gate_moments(torch.stack([half, 1 - half], dim=1)))
    assert use["spread"] == pytest.approx([0, 0])
    assert use["spread_pixels"] == pytest.approx([0.5, 0.5])
    assert use["state"] == "choosing"


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.booleans(), st.integers(0, 2**31))
def test_batches_do_not_matter(batches, pixel, seed):
    torch.manual_seed(seed)
    shape = (sum(batches), 3, 2, 5) if pixel else (sum(batches), 3)
    weights = torch.randn(shape).softmax(dim=1)
    use = gate_use(torch.cat([gate_moments(batch) for batch in weights.split(batches)]))
    whole = gate_use(gate_moments(weights))
    for name in ("mean", "spread", "spread_pixels"):
        assert use[name] == pytest.approx(whole[name])
    assert sum(use["mean"]) == pytest.approx(1)
    pixels = weights.double().movedim(1, 0).flatten(1)
    assert use["spread_pixels"] == pytest.approx(pixels.std(dim=1, correction=0).tolist(), abs=1e-6)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match=r"\(b, e\)"):
        gate_moments(torch.zeros(3))
    with pytest.raises(ValueError, match="e >= 2"):
        gate_use(torch.ones(4, 2, 1))
    with pytest.raises(ValueError, match="b >= 1"):
        gate_use(torch.ones(0, 2, 3))
