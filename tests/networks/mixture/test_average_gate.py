import torch

from custom.networks.mixture import AverageGate, TokenAverageGate, combine


def test_the_mixture_is_the_mean():
    features = torch.randn(2, 5, 3, 4, 4)
    gate = AverageGate()
    torch.testing.assert_close(combine(features, gate(features)), features.mean(1))
    assert not list(gate.parameters())


def test_each_expert_that_is_seen_counts_the_same():
    gate = TokenAverageGate({"ct": 2, "mr": 2, "us": 4, "pet": 4})
    weights, router_z = gate(torch.rand(2, 3, 5, 8), torch.tensor([1, 2]), experts=4)
    assert weights.shape == (2, 3, 5, 4)
    assert torch.equal(weights[0], torch.tensor([0.5, 0.5, 0, 0]).expand(3, 5, 4))
    assert torch.equal(weights[1], torch.full((3, 5, 4), 0.25))
    assert router_z == 0


def test_only_those_asked_for_are_weighed():
    weights, _ = TokenAverageGate({"ct": 2, "mr": 2, "us": 3})(torch.rand(1, 1, 1, 8), torch.tensor([0]), experts=2)
    assert weights.tolist() == [[[[0.5, 0.5]]]]


def test_nothing_to_learn_or_to_save():
    gate = TokenAverageGate({"ct": 1})
    assert not list(gate.parameters())
    assert not gate.state_dict()
