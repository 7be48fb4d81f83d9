import math

import torch

from custom.networks.mixture import ImageGate


def test_hand_worked():
    # One channel, two experts, constant maps 1 and 3: pooled (1, 3), layer norm (-1, 1), hidden = relu -> (0, 1),
    # scores (0, 1): weights (1, e) / (1 + e).
    gate = ImageGate(channels=1, experts=2, hidden=2)
    with torch.no_grad():
        gate.hidden.weight.copy_(torch.eye(2))
        gate.hidden.bias.zero_()
        gate.score.weight.copy_(torch.eye(2))
    features = torch.tensor([1.0, 3.0]).reshape(1, 2, 1, 1, 1).expand(1, 2, 1, 4, 6)
    weights = gate(features)
    torch.testing.assert_close(weights, torch.tensor([[1.0, math.e]]) / (1 + math.e), atol=1e-5, rtol=0)


def test_the_scale_of_the_features_does_not_matter():
    torch.manual_seed(0)
    gate, features = ImageGate(8, 3, 12), torch.rand(2, 3, 8, 5, 5)
    torch.testing.assert_close(gate(features), gate(1000 * features), atol=1e-4, rtol=0)
