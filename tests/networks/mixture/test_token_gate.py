import math

import pytest
import torch

from custom.networks.mixture import TokenGate


def test_hand_worked_softmax_of_score_and_preference():
    """Two experts, two channels; either modality prefers its own expert by log 3.

    Token (1, 0): the experts score 2 + 0.5 and 2 + 0.5. CT sees 3 : 1, MR 1 : 3.
    Token (0, log 3): they score 0.5 and log 3 + 0.5, so 1 : 3. CT sees 3 : 3, MR 1 : 9.
    """
    gate = TokenGate(channels=2, sees={"ct": 2, "mr": 2}, prior=math.log(3))
    with torch.no_grad():
        gate.scores["ct"].weight.copy_(torch.tensor([[2.0, 0.0]]))
        gate.scores["ct"].bias.fill_(0.5)
        gate.scores["mr"].weight.copy_(torch.tensor([[2.0, 1.0]]))
        gate.scores["mr"].bias.fill_(0.5)
        tokens = torch.tensor([[1.0, 0.0], [0.0, math.log(3)]]).view(1, 1, 2, 2).repeat(2, 1, 1, 1)
        weights, _ = gate(tokens, torch.tensor([0, 1]), experts=2)
    ct, mr = weights[0, 0].tolist(), weights[1, 0].tolist()
    assert ct == [pytest.approx([3 / 4, 1 / 4]), pytest.approx([1 / 2, 1 / 2])]
    assert mr == [pytest.approx([1 / 4, 3 / 4]), pytest.approx([1 / 10, 9 / 10])]


def test_hand_worked_router_z():
    gate = TokenGate(channels=2, sees={"ct": 2, "mr": 2}, prior=None)
    _, router_z = gate(torch.zeros(3, 4, 4, 2), torch.tensor([0, 1, 0]), experts=2)
    assert router_z.item() == pytest.approx(math.log(2) ** 2)  # all scores 0


def test_each_token_has_its_own_weights_that_sum_to_one():
    torch.manual_seed(0)
    gate = TokenGate(channels=8, sees={"ct": 3, "mr": 3, "us": 3})
    weights, _ = gate(10 * torch.randn(4, 5, 6, 8), torch.tensor([0, 1, 2, 0]), experts=3)
    assert weights.shape == (4, 5, 6, 3)
    torch.testing.assert_close(weights.sum(-1), torch.ones(4, 5, 6))
    assert weights.flatten(0, 2).std(0).min() > 0.01


def test_a_modality_does_not_see_experts_that_joined_later():
    torch.manual_seed(0)
    gate, tokens = TokenGate(channels=8, sees={"ct": 1, "mr": 2, "us": 3}), torch.randn(3, 2, 2, 8)
    weights, router_z = gate(tokens, torch.tensor([0, 1, 2]), experts=3)
    assert torch.equal(weights[0], torch.tensor([1.0, 0.0, 0.0]).expand(2, 2, 3))
    assert (weights[1, ..., 2] == 0).all()
    assert (weights[1, ..., :2] > 0).all()
    assert (weights[2] > 0).all()
    assert router_z.isfinite()
    alone, _ = gate(tokens[1:2], torch.tensor([1]), experts=2)
    torch.testing.assert_close(weights[1:2, ..., :2], alone)


def test_without_a_prior_there_is_no_preference():
    gate = TokenGate(channels=8, sees={"ct": 2, "mr": 2}, prior=None)
    assert sum(p.numel() for p in gate.parameters()) == 2 * (8 + 1)
    assert sum(p.numel() for p in TokenGate(8, {"ct": 2, "mr": 2}).parameters()) == 2 * (8 + 1) + 2 * 2
    weights, _ = gate(torch.zeros(2, 1, 1, 8), torch.tensor([0, 1]), experts=2)
    assert (weights == 0.5).all()


def test_every_parameter_learns_and_the_hidden_do_not():
    gate = TokenGate(channels=4, sees={"ct": 2, "mr": 2, "us": 3})
    weights, router_z = gate(torch.randn(2, 2, 2, 4), torch.tensor([0, 1]), experts=2)
    (weights[..., 0].sum() + router_z).backward()
    for name, parameter in gate.named_parameters():
        assert (parameter.grad is None or not parameter.grad.any()) == ("us" in name), name


def test_weights_are_float32_under_autocast():
    gate = TokenGate(channels=8, sees={"ct": 2, "mr": 2})
    with torch.autocast("cpu", torch.bfloat16):
        weights, router_z = gate(torch.randn(1, 4, 4, 8), torch.tensor([0]), experts=2)
    assert weights.dtype == router_z.dtype == torch.float32
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 4, 4))
