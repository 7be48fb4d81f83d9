import pytest
import torch
from torch import nn

from custom.networks.layers import Layers
from custom.networks.modality_norm import ModalityNorm, split_norms


def images(*means):
    torch.manual_seed(0)
    return torch.stack([mean + torch.rand(2, 5, 6) for mean in means])


@pytest.mark.parametrize(("counts", "parts"), [([1, 2, 0], [slice(0, 1), slice(1, 3)]), ([0, 0, 3], [slice(0, 3)])])
def test_each_modality_is_normalised_by_itself(counts, parts):
    norm, x = ModalityNorm(nn.BatchNorm2d(2), ["ct", "mr", "us"]), images(0, 5, 9)
    found = norm(x, counts)
    for part in parts:
        torch.testing.assert_close(found[part], nn.BatchNorm2d(2)(x[part]))


def test_only_those_that_are_there_learn_and_keep_statistics():
    norm = ModalityNorm(nn.BatchNorm2d(2), ["ct", "mr", "us"])
    norm(images(5, 5), [0, 2, 0]).square().sum().backward()
    assert [one.running_mean.abs().sum().item() > 0 for one in norm.norms.values()] == [False, True, False]
    assert [one.weight.grad is not None for one in norm.norms.values()] == [False, True, False]


def test_all_begin_as_copies_of_the_norm_that_was_there():
    torch.manual_seed(1)
    network = Layers(nn.Conv2d(2, 4, 1), nn.BatchNorm2d(4), Layers(nn.ReLU(), nn.BatchNorm2d(4)))
    for _ in range(3):
        network(images(0, 3), [])
    before = network.eval()(images(0, 3, 1), [])
    split_norms(network, ["ct", "mr"])
    assert [type(one) for one in (network[1], network[2][1])] == [ModalityNorm, ModalityNorm]
    torch.testing.assert_close(network(images(0, 3, 1), [2, 1]), before)
    assert not any(isinstance(one, nn.BatchNorm2d) for one in network)


def test_scripted_it_says_the_same():
    network = Layers(nn.Conv2d(2, 4, 1), nn.BatchNorm2d(4), Layers(nn.ReLU(), nn.BatchNorm2d(4))).eval()
    split_norms(network, ["ct", "mr"])
    network[1].norms["mr"].running_mean.fill_(2)
    scripted, x = torch.jit.script(network), images(0, 5, 9)
    for counts in ([1, 2], [3, 0], [0, 3]):
        assert torch.equal(scripted(x, counts), network(x, counts))
    assert not torch.equal(network(x, [3, 0]), network(x, [0, 3]))
