import torch
from torch import nn

from custom.networks.layers import Layers


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
