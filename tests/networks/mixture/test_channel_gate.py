import math

import pytest
import torch

from custom.networks.mixture import ChannelGate, ExpertMixture


def test_hand_worked_softmax_over_the_channels():
    gate = ChannelGate(channels=3)
    with torch.no_grad():
        gate.score.weight.copy_(torch.eye(3))
        gate.score.bias.copy_(torch.tensor([0.0, 0.0, math.log(2)]))
    token = torch.tensor([0.0, math.log(5), 0.0])  # exp of the scores: 1, 5, 2
    weights, router_z = gate(token.view(1, 1, 1, 3), torch.tensor([0]), experts=7)
    assert weights.flatten().tolist() == pytest.approx([1 / 8, 5 / 8, 2 / 8])
    assert router_z == 0


def test_it_cannot_prefer_an_expert():
    """The release's fault: with the experts swapped, and whatever the modality, the mixture is the same."""
    torch.manual_seed(0)
    mixture = ExpertMixture(channels=8, hidden=16, sees={"ct": 2, "mr": 2}, gate="channel")
    tokens = torch.randn(1, 4, 4, 8)
    mixed, weights, _ = mixture(tokens, torch.tensor([0]), [1, 0])
    said = mixture.experts["ct"](tokens) + mixture.experts["mr"](tokens)
    torch.testing.assert_close(mixed, said * torch.softmax(mixture.gate.score(tokens), -1))
    swapped = mixture.state_dict()
    for name in [name for name in swapped if name.startswith("experts.ct.")]:
        other = name.replace(".ct.", ".mr.")
        swapped[name], swapped[other] = swapped[other].clone(), swapped[name].clone()
    mixture.load_state_dict(swapped)
    torch.testing.assert_close(mixture(tokens, torch.tensor([1]), [0, 1])[0], mixed)
    assert weights.numel() == 0  # no expert has a weight of its own
