from types import SimpleNamespace

import pytest
import torch

from custom.checks import RequestError
from custom.training import ReconstructionStep


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.level = torch.nn.Parameter(torch.zeros(2))

    def forward(self, image, task):
        reconstruction = self.level[task][:, None, None, None].expand_as(image)
        return (reconstruction - image).abs().mean(), reconstruction


def make(network):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    step = ReconstructionStep(optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9))
    engine = SimpleNamespace(network=network, state=SimpleNamespace(iteration=1, device=torch.device("cpu")))
    return lambda given: step(engine, given)


def given(value):
    image = torch.full((2, 3, 4, 4), value)
    return {"image": image, "task_id": torch.tensor([1, 1]), "path": ["a.nii.gz", "b.nii.gz"]}


def test_it_learns_what_the_batch_shows_and_nothing_else():
    network = Network()
    take = make(network)
    outputs = [take(given(0.7)) for _ in range(12)]
    assert outputs[0]["loss"].item() == pytest.approx(0.7)
    assert outputs[-1]["loss"] < 0.3
    assert outputs[1]["log"]["learning_rate"].item() == pytest.approx(0.5 * 0.9**2)
    assert network.level[0] == 0


def test_a_loss_that_is_not_finite_names_the_volumes():
    with pytest.raises(RequestError, match=r"a\.nii\.gz, b\.nii\.gz"):
        make(Network())(given(float("inf")))
