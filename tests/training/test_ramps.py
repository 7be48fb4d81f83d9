import math

import pytest

from custom.training.ramps import linear_ramp, sigmoid_ramp, warm_up_cosine, warm_up_halving


def test_sigmoid_ramp_by_hand():
    assert sigmoid_ramp(0, 100) == pytest.approx(math.exp(-5))
    assert sigmoid_ramp(50, 100) == pytest.approx(math.exp(-5 * 0.25))
    assert sigmoid_ramp(100, 100) == sigmoid_ramp(1000, 100) == 1.0
    assert sigmoid_ramp(0, 0) == 1.0


def test_linear_ramp_by_hand():
    assert [linear_ramp(step, 4) for step in (0, 1, 2, 4, 9)] == [0.0, 0.25, 0.5, 1.0, 1.0]
    assert linear_ramp(0, 0) == 1.0


def test_cosine_rises_then_falls_to_zero():
    assert [warm_up_cosine(step, 4, 12) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert warm_up_cosine(8, 4, 12) == pytest.approx(0.5)  # half way: (1 + cos(pi / 2)) / 2
    assert warm_up_cosine(12, 4, 12) == pytest.approx(0.0)


def test_the_papers_schedule():
    # 34 steps an epoch: epoch 0 stands still, epoch 10 is half way up, 71, 121 and 171 halve.
    rates = [0.5 * warm_up_halving(34 * epoch, 34) for epoch in (0, 10, 20, 70, 71, 121, 171, 199)]
    assert rates == [0.0, 0.25, 0.5, 0.5, 0.25, 0.125, 0.0625, 0.0625]
