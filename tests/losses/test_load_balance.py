import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from custom.losses import load_balance_loss


def test_worked_by_hand():
    # Modality 0: weights (.8 .2), (.6 .4): both prefer expert 0, f = (1, 0), P = (.7, .3): 2 * .7 = 1.4.
    # Modality 1: weights (.9 .1), (.1 .9): f = (.5, .5), P = (.5, .5): 1. Mean 1.2.
    weights = torch.tensor([[0.8, 0.2], [0.9, 0.1], [0.6, 0.4], [0.1, 0.9]])
    assert load_balance_loss(weights, torch.tensor([0, 1, 0, 1]), 2).item() == pytest.approx(1.2)


def test_a_modality_that_does_not_occur_is_left_out():
    weights = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert load_balance_loss(weights, torch.tensor([2, 2]), 3).item() == pytest.approx(2.0)


def test_each_modality_with_its_own_expert_is_not_even_but_the_whole_would_be():
    weights = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert load_balance_loss(weights, torch.tensor([0, 1]), 2).item() == pytest.approx(2.0)
    assert load_balance_loss(weights, torch.tensor([0, 0]), 2).item() == pytest.approx(1.0)


def test_descent_evens_the_load():
    torch.manual_seed(0)
    logits = (torch.randn(64, 3) + torch.tensor([2.0, 0.0, 0.0])).requires_grad_(True)
    modality = torch.zeros(64, dtype=torch.long)
    before = load_balance_loss(logits.softmax(1), modality, 1)
    for _ in range(200):
        loss = load_balance_loss(logits.softmax(1), modality, 1)
        (gradient,) = torch.autograd.grad(loss, logits)
        logits = (logits - 5 * gradient).detach().requires_grad_(True)
    assert load_balance_loss(logits.softmax(1), modality, 1) < before - 0.3


@given(st.integers(2, 5), st.integers(1, 20), st.integers(0, 1000))
def test_even_weights_cost_one_whatever_the_favourite(experts, rows, seed):
    torch.manual_seed(seed)
    weights = torch.full((rows, experts), 1 / experts)
    assert load_balance_loss(weights, torch.randint(0, 3, (rows,)), 3).item() == pytest.approx(1.0)


def test_refusals():
    with pytest.raises(ValueError, match=r"\(n, e\) and \(n,\)"):
        load_balance_loss(torch.rand(3, 2), torch.zeros(2, dtype=torch.long), 1)
