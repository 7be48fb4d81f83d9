import copy
import math

import pytest
import torch

from custom.losses import AdaptiveMultiObjectiveLoss

COEFFICIENTS = {"mask": 1.0, "distance": 0.5, "boundary": 1.0}


def losses(mask, distance, boundary):
    values = {"mask": mask, "distance": distance, "boundary": boundary}
    return {task: torch.tensor(float(value)) for task, value in values.items()}


def descend(loss, values, steps, rate=0.05):
    optimiser = torch.optim.Adam([loss.s], lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        loss(values).backward()
        optimiser.step()


def test_start():
    loss = AdaptiveMultiObjectiveLoss(COEFFICIENTS)
    # exp(-1) = .3679 and half of it; penalty .4 * 3 e = 3.2619
    weights = loss.weights()
    assert list(weights) == list(COEFFICIENTS)
    assert weights["mask"] == pytest.approx(0.3679, abs=1e-4)
    assert weights["distance"] == pytest.approx(0.1839, abs=1e-4)
    assert weights["boundary"] == pytest.approx(0.3679, abs=1e-4)
    assert loss(losses(0, 0, 0)).item() == pytest.approx(3.2619, abs=1e-4)
    # .3679 * 2 + .1839 * 4 + .3679 * 3 = 2.5752 on top
    assert loss(losses(2, 4, 3)).item() == pytest.approx(3.2619 + 2.5752, abs=1e-4)


def test_weights_at_rest():
    loss = AdaptiveMultiObjectiveLoss(COEFFICIENTS)
    descend(loss, losses(0.1, 0.02, 2.5), steps=1500)
    weights = loss.weights()
    assert weights["mask"] == pytest.approx(math.sqrt(0.4 / 0.1), rel=1e-3)  # 2
    assert weights["distance"] == pytest.approx(0.5 * math.sqrt(0.8 / 0.02), rel=1e-3)  # 3.162
    assert weights["boundary"] == pytest.approx(math.sqrt(0.4 / 2.5), rel=1e-3)  # 0.4
    # Each task costs 2 sqrt(.4 c L): 2 (sqrt .04 + sqrt .004 + sqrt 1) = 2.5265
    assert loss(losses(0.1, 0.02, 2.5)).item() == pytest.approx(2.5265, abs=1e-3)


def test_a_loss_of_zero_cannot_run_away_and_comes_back():
    loss = AdaptiveMultiObjectiveLoss({"mask": 1.0}, bound=2.0)
    descend(loss, {"mask": torch.tensor(0.0)}, steps=600)
    assert loss.weights()["mask"] == pytest.approx(math.exp(2), rel=1e-6)
    # Momentum carries s a little over the bound, no more, and a loss that is there again takes it back.
    assert -3 < loss.s.item() <= -2
    descend(loss, {"mask": torch.tensor(0.4)}, steps=600)
    assert loss.weights()["mask"] == pytest.approx(1.0, rel=1e-2)  # sqrt(.4 / .4)


def test_a_huge_loss_is_bounded_too():
    loss = AdaptiveMultiObjectiveLoss({"mask": 1.0}, bound=2.0)
    descend(loss, {"mask": torch.tensor(1e6)}, steps=300)
    assert loss.weights()["mask"] == pytest.approx(math.exp(-2), rel=1e-6)


def test_gradient_of_the_losses_is_the_weight():
    loss = AdaptiveMultiObjectiveLoss(COEFFICIENTS)
    values = {task: torch.tensor(1.0, requires_grad=True) for task in COEFFICIENTS}
    loss(values).backward()
    assert {task: value.grad.item() for task, value in values.items()} == pytest.approx(loss.weights())


def test_supervised_and_unsupervised_share_one_backward():
    loss = AdaptiveMultiObjectiveLoss(COEFFICIENTS)
    (loss(losses(1, 1, 1)) + 0.5 * loss(losses(2, 2, 2))).backward()
    # mask: -e⁻¹ (1 + .5 * 2) + .4 e (1 + .5)
    assert loss.s.grad[0].item() == pytest.approx(-2 / math.e + 0.6 * math.e, abs=1e-5)


def test_order_of_the_losses_does_not_matter():
    loss = AdaptiveMultiObjectiveLoss(COEFFICIENTS)
    values = losses(1, 2, 3)
    assert loss(dict(reversed(values.items()))) == loss(values)


def test_fixed_weights():
    loss = AdaptiveMultiObjectiveLoss(COEFFICIENTS, start=0.0, learnable=False)
    value = torch.tensor(2.0, requires_grad=True)
    loss({"mask": value, "distance": value, "boundary": value}).backward()
    assert loss.s.grad is None
    assert value.grad.item() == pytest.approx(2.5)  # 1 + .5 + 1
    assert loss.weights() == COEFFICIENTS


def test_state_survives_and_is_the_weights_only():
    loss = AdaptiveMultiObjectiveLoss(COEFFICIENTS)
    descend(loss, losses(1, 2, 3), steps=5)
    other = AdaptiveMultiObjectiveLoss(COEFFICIENTS)
    other.load_state_dict(loss.state_dict())
    assert other.weights() == loss.weights() == copy.deepcopy(loss).weights()


@pytest.mark.parametrize(
    "tasks", [["mask", "distance"], ["mask", "distance", "boundary", "edge"], ["mask", "sdf", "boundary"]]
)
def test_missing_and_unknown_tasks(tasks):
    with pytest.raises(ValueError, match="wanted"):
        AdaptiveMultiObjectiveLoss(COEFFICIENTS)({task: torch.tensor(1.0) for task in tasks})


def test_a_loss_that_is_no_scalar():
    with pytest.raises(ValueError, match="distance"):
        AdaptiveMultiObjectiveLoss(COEFFICIENTS)({**losses(1, 1, 1), "distance": torch.ones(2)})


@pytest.mark.parametrize(
    "arguments",
    [{"coefficients": {}}, {"coefficients": {"mask": 0.0}}, {"penalty": 0.0}, {"bound": 0.0}, {"start": 4.0}],
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match="wanted"):
        AdaptiveMultiObjectiveLoss(**{"coefficients": COEFFICIENTS, **arguments})
