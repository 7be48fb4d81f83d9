import math

import torch

from custom.networks.mixture import ChannelAttentionGate


def test_parameters_of_the_paper():
    # 192 * 96 + 96 = 18,528; 96 * 96 + 96 = 9,312; 96 * 3 + 3 = 291; together 28,131
    assert sum(p.numel() for p in ChannelAttentionGate(channels=64, experts=3).parameters()) == 28_131


def test_hand_worked():
    # Two channels, two experts, pooled (1, 2, 3, 4). Hidden takes the first and the last: (1, 4). Attention with zero
    # weights is (1/2, 1/2): (0.5, 2). Scores 2 * 0.5 = 1 and 1 * 2 = 2: weights (1, e) / (1 + e).
    gate = ChannelAttentionGate(channels=2, experts=2).eval()
    with torch.no_grad():
        gate.hidden.weight.copy_(torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 1.0]]))
        gate.attention.weight.zero_()
        gate.score.weight.copy_(torch.tensor([[2.0, 0], [0, 1.0]]))
    features = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 2, 2, 1, 1).expand(1, 2, 2, 3, 5)
    torch.testing.assert_close(gate(features), torch.tensor([[1.0, math.e]]) / (1 + math.e))


def test_starts_pinned_near_a_third():
    torch.manual_seed(0)
    weights = ChannelAttentionGate(channels=64, experts=3).eval()(torch.rand(8, 3, 64, 8, 8))
    assert (weights - 1 / 3).abs().max() < 0.02
