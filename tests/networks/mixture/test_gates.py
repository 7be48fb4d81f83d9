"""What every gate must keep."""

import pytest
import torch

from custom.networks import mixture
from custom.networks.mixture import ChannelGate, TokenAverageGate, TokenGate, combine
from custom.networks.mixture.expert_mixture import TOKEN_GATES
from custom.networks.semi_moe.output_mixture import OUTPUT_GATES

SEES = {"ct": 2, "mr": 2, "us": 3}
# Controls: one weighs all alike, the other adds its features and so cannot tell which expert is right.
CANNOT_CHOOSE = {"average", "paper"}


@pytest.fixture(params=OUTPUT_GATES)
def make(request):
    torch.manual_seed(0)
    return OUTPUT_GATES[request.param]


@pytest.fixture(params=TOKEN_GATES)
def make_token_gate(request):
    torch.manual_seed(0)
    return lambda channels: TOKEN_GATES[request.param](channels, SEES, 2.0)


def test_each_name_of_a_token_gate_is_its_gate():
    kinds = {"token": TokenGate, "average": TokenAverageGate, "channel": ChannelGate}
    assert {name: type(make(8, {"ct": 2, "mr": 2}, 2.0)) for name, make in TOKEN_GATES.items()} == kinds


def test_no_gate_is_forgotten_here():
    tested = {type(make(4, 2)) for make in OUTPUT_GATES.values()}
    tested |= {type(make(4, SEES, 2.0)) for make in TOKEN_GATES.values()}
    assert tested == {getattr(mixture, name) for name in mixture.__all__ if name.endswith("Gate")}


def test_weights_sum_to_one_and_start_near_equal(make):
    weights = make(16, 3).eval()(torch.rand(4, 3, 16, 6, 5))
    assert weights.shape[:2] == (4, 3)
    torch.testing.assert_close(weights.sum(1), torch.ones_like(weights.sum(1)))
    assert (weights - 1 / 3).abs().max() < 0.1


def test_batch_is_one_by_one(make):
    gate, features = make(8, 3).eval(), torch.randn(4, 3, 8, 6, 5)
    together = gate(features)
    for i in range(4):
        torch.testing.assert_close(together[i : i + 1], gate(features[i : i + 1]))


def test_scripts(make):
    gate, features = make(8, 3).eval(), torch.randn(2, 3, 8, 6, 5)
    torch.testing.assert_close(torch.jit.script(gate)(features), gate(features))


def test_weights_of_tokens_are_shares(make_token_gate):
    weights, router_z = make_token_gate(8)(torch.randn(3, 4, 5, 8), torch.tensor([0, 2, 1]), experts=3)
    assert weights.shape[:3] == (3, 4, 5)
    assert weights.dtype == torch.float32
    assert weights.min() >= 0
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4, 5))
    assert router_z.shape == ()
    assert router_z >= 0


def test_a_batch_of_tokens_is_one_by_one(make_token_gate):
    gate, tokens, modality = make_token_gate(8), torch.randn(4, 3, 5, 8), torch.tensor([2, 0, 1, 0])
    together, _ = gate(tokens, modality, experts=3)
    for i in range(4):
        torch.testing.assert_close(together[i : i + 1], gate(tokens[i : i + 1], modality[i : i + 1], experts=3)[0])


def test_token_gates_script(make_token_gate):
    gate, tokens, modality = make_token_gate(8), torch.randn(2, 3, 5, 8), torch.tensor([2, 0])
    for found, expected in zip(torch.jit.script(gate)(tokens, modality, 3), gate(tokens, modality, 3), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", sorted(set(OUTPUT_GATES) - CANNOT_CHOOSE))
def test_the_gate_can_choose(name):
    """In each image another expert is right, and says so in channel 1; the others' values are noise."""
    torch.manual_seed(0)
    gate = OUTPUT_GATES[name](2, 3)
    optimiser = torch.optim.Adam(gate.parameters(), lr=0.02)

    def draw():
        right = torch.randint(3, (32,))
        target = torch.randn(32, 1, 4, 4)
        features = torch.randn(32, 3, 2, 4, 4)
        features[:, :, 1] = 0
        features[torch.arange(32), right, 0] = target[:, 0]
        features[torch.arange(32), right, 1] = 1
        return right, features, target

    for _ in range(250):
        _, features, target = draw()
        loss = (combine(features[:, :, :1], gate(features)) - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    right, features, _ = draw()
    chosen = gate(features)[torch.arange(32), right]
    assert chosen.mean() > 0.9


@pytest.mark.parametrize("name", OUTPUT_GATES)
def test_no_parameter_is_dead_at_the_start(name):
    torch.manual_seed(0)
    gate, features = OUTPUT_GATES[name](8, 3), torch.randn(4, 3, 8, 6, 5)
    if list(gate.parameters()):
        combine(features, gate(features)).square().mean().backward()
    for parameter in gate.parameters():
        assert parameter.grad.abs().max() > 0
