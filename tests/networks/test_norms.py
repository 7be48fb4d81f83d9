import pytest
import torch
from torch import nn

from custom.networks.norms import JoinedNorm, Layers, join_norms


def images(*means):
    torch.manual_seed(0)
    return torch.stack([mean + torch.rand(2, 5, 6) for mean in means])


@pytest.mark.parametrize(
    ("counts", "parts"),
    [
        ([1, 1, 1, 0], [slice(0, 2), slice(2, 3)]),
        ([0, 1, 1, 1], [slice(0, 1), slice(1, 2), slice(2, 3)]),
        ([0, 0, 0, 3], [slice(0, 3)]),
    ],
)
def test_those_that_learnt_together_are_normalised_together_and_each_that_joined_by_itself(counts, parts):
    norm, x = JoinedNorm(nn.BatchNorm2d(2), 2, ["us", "pet"]), images(0, 5, 9)
    found = norm(x, counts)
    for part in parts:
        torch.testing.assert_close(found[part], nn.BatchNorm2d(2)(x[part]))


def test_only_those_that_are_there_learn_and_keep_statistics():
    norm = JoinedNorm(nn.BatchNorm2d(2), 1, ["us", "pet"])
    norm(images(5, 5), [0, 2, 0]).square().sum().backward()
    each = [norm, norm.joined["us"], norm.joined["pet"]]
    assert [one.running_mean.abs().sum().item() > 0 for one in each] == [False, True, False]
    assert [one.weight.grad is not None for one in each] == [False, True, False]
    norm(images(5, 5), [2, 0, 0])
    assert norm.running_mean.abs().sum() > 0


def network():
    torch.manual_seed(1)
    layers = Layers(nn.Conv2d(2, 4, 1), nn.BatchNorm2d(4), Layers(nn.ReLU(), nn.BatchNorm2d(4)))
    for _ in range(3):
        layers(images(0, 3), [])
    return layers.eval()


def test_the_norms_that_were_there_keep_their_names_and_say_the_same_to_the_bit():
    layers, x = network(), images(0, 3, 1)
    before, names = layers(x, []), set(layers.state_dict())
    join_norms(layers, 2, ["us"])
    layers.eval()
    assert [type(one) for one in (layers[1], layers[2][1])] == [JoinedNorm, JoinedNorm]
    assert {name for name in layers.state_dict() if ".joined.us." not in name} == names
    assert torch.equal(layers(x, [2, 1, 0]), before)
    assert torch.equal(layers(x, [0, 0, 3]), before)  # a copy
    layers[1].joined["us"].running_mean.fill_(2)
    assert torch.equal(layers(x, [2, 0, 1])[:2], before[:2])
    assert not torch.equal(layers(x, [2, 0, 1])[2], before[2])
    layers[1].start_as("us", like="ct")
    assert torch.equal(layers(x, [0, 0, 3]), before)


def test_scripted_it_says_the_same():
    layers = network()
    join_norms(layers, 1, ["us"])
    layers.eval()[1].joined["us"].running_mean.fill_(2)
    scripted, x = torch.jit.script(layers), images(0, 5, 9)
    for counts in ([1, 2], [3, 0], [0, 3]):
        assert torch.equal(scripted(x, counts), layers(x, counts))
    assert not torch.equal(layers(x, [3, 0]), layers(x, [0, 3]))


class Scaled(nn.Module):
    """Multiplies by the number of images of the second modality."""

    def __init__(self):
        super().__init__()
        self.takes_counts = True

    def forward(self, x: torch.Tensor, counts: list[int]) -> torch.Tensor:
        return x * counts[1]


def test_the_counts_reach_those_who_take_them_and_no_other():
    layers = Layers(nn.ReLU(), Layers(nn.Identity(), Scaled()), Scaled())
    x = torch.tensor([-1.0, 2.0])
    for network in (layers, torch.jit.script(layers)):
        assert network(x, [5, 3]).tolist() == [0, 18]
