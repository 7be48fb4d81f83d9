import pytest
import torch
from torch import nn

from custom.training import MovingAverage


def test_early_updates_forget_fast_and_later_ones_keep_the_decay():
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 1.0)
    teacher = MovingAverage(network, decay=0.5)
    teacher.update(network)  # the first update copies
    assert teacher.network.weight.item() == 1.0
    nn.init.constant_(network.weight, 2.0)
    teacher.update(network)  # n = 1: decay = min(0.5, 2 / 11), so 1 * 2/11 + 2 * 9/11
    assert teacher.network.weight.item() == pytest.approx(2 / 11 + 18 / 11)


def test_buffers_follow_and_the_state_round_trips():
    network = nn.BatchNorm2d(2)
    teacher = MovingAverage(network, decay=0.9)
    network(torch.rand(4, 2, 8, 8) + 3)
    teacher.update(network)
    assert torch.equal(teacher.network.running_mean, network.running_mean)
    other = MovingAverage(nn.BatchNorm2d(2), decay=0.9)
    other.load_state_dict(teacher.state_dict())
    assert torch.equal(other.network.running_mean, teacher.network.running_mean)
    assert not other.network.training
    assert not any(parameter.requires_grad for parameter in other.network.parameters())


def test_a_decay_of_one_is_refused():
    with pytest.raises(ValueError, match=r"got 1.0"):
        MovingAverage(nn.Linear(1, 1), decay=1.0)
