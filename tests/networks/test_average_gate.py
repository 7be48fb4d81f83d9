import torch

from custom.networks.mixture import AverageGate, combine


def test_the_mixture_is_the_mean():
    features = torch.randn(2, 5, 3, 4, 4)
    gate = AverageGate()
    torch.testing.assert_close(combine(features, gate(features)), features.mean(1))
    assert not list(gate.parameters())
