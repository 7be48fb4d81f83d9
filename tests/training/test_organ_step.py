import copy
from types import SimpleNamespace

import pytest
import torch

from custom.checks import RequestError
from custom.losses import OrganLoss
from custom.targets.organ_task import class_counts
from custom.training import MovingAverage, OrganStep
from custom.training.organ_step import learning

TASKS = {
    "lungs": {"modality": "ct", "labels": {"1": "left", "2": "right"}},
    "heart": {"modality": "mr", "labels": {"1": "ventricle"}},
    "ribs": {"modality": "ct", "labels": {"1": "rib"}},
}


class Network(torch.nn.Module):
    """One convolution, and a gate that gives CT to the first expert."""

    recipe = "organ"
    several = None  # by which a network is told from the views around it
    expert_names = ("ct", "mr")

    def __init__(self):
        super().__init__()
        self.head = torch.nn.Conv2d(3, 3, 1)
        self.score = torch.nn.Parameter(torch.tensor([[2.0, 0.0], [0.0, 2.0]]))

    def forward(self, image, task):
        logits = self.head(image)
        lacks = torch.tensor([3, 2, 2])[task][:, None] <= torch.arange(3)
        logits = logits.masked_fill(lacks[:, :, None, None], -1e4)
        scores = self.score[torch.tensor([0, 1, 0])[task]]
        gate = scores.softmax(1)[:, :, None, None].expand(-1, -1, 2, 2)
        return {"logits": logits, "encoder_gate": gate, "router_z": scores.logsumexp(1).square().mean()}


def batch(task_ids, seed=0):
    torch.manual_seed(seed)
    count = len(task_ids)
    return {
        "image": torch.rand(count, 3, 8, 8),
        "label": torch.randint(0, 2, (count, 1, 8, 8)),
        "task_id": torch.tensor(task_ids),
        "path": [f"{index}.nii.gz" for index in range(count)],
    }


def make(network, **options):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    step = OrganStep(OrganLoss(class_counts(TASKS)), TASKS, optimizer, scheduler, **options)
    engine = SimpleNamespace(network=network, state=SimpleNamespace(iteration=1, device=torch.device("cpu")))
    return lambda given: step(engine, given)


def test_the_loss_is_the_mean_over_the_tasks_that_are_there():
    torch.manual_seed(1)
    output = make(Network())(batch([0, 2, 2, 0]))
    assert set(output["log"]) == {"supervised/lungs", "supervised/ribs", "learning_rate"}
    parts = [output["log"]["supervised/lungs"], output["log"]["supervised/ribs"]]
    assert output["loss"].item() == pytest.approx(float(sum(parts)) / 2)
    assert output["images"] == 4


def test_gate_use_is_told_by_modality():
    output = make(Network())(batch([0, 1, 2]))
    gates = output["gates"]
    assert list(output["experts"]) == ["ct", "mr"]
    # softmax of (2, 0): 0.8808, 0.1192
    assert gates["ct"].tolist() == [pytest.approx([0.8808, 0.1192], abs=1e-4)] * 2
    assert gates["mr"].tolist() == [pytest.approx([0.1192, 0.8808], abs=1e-4)]


def test_the_routers_losses_count_where_they_are_asked_for():
    given, network = batch([0, 1]), Network()
    other = copy.deepcopy(network)
    plain = make(network)(given)
    other = make(other, router_z=0.5, load_balance=0.25)(given)
    # balance within each modality: favourite only, 2 * 0.8808 each; logsumexp(2, 0)^2 = 2.1269^2
    assert other["log"]["router/load_balance"].item() == pytest.approx(1.7616, abs=1e-4)
    assert other["log"]["router/z"].item() == pytest.approx(2.1269**2, abs=1e-3)
    assert other["loss"].item() == pytest.approx(plain["loss"].item() + 0.5 * 2.1269**2 + 0.25 * 1.7616, abs=1e-3)
    assert network.score.grad is None  # nothing but the router's losses reaches this gate


def test_steps_learn_and_the_average_follows():
    torch.manual_seed(1)
    network = Network()
    average = MovingAverage(network)
    before = network.head.weight.detach().clone()
    take, given = make(network, moving_average=average), batch([0, 1, 2, 1])
    losses = [take(given)["loss"].item() for _ in range(30)]
    assert losses[-1] < losses[0]
    assert not torch.equal(average.network.head.weight, before)
    assert not torch.equal(average.network.head.weight, network.head.weight)


def test_large_gradients_are_scaled_down():
    torch.manual_seed(1)
    network = Network()
    before = [parameter.detach().clone() for parameter in network.parameters()]
    make(network, max_norm=0.01, router_z=100.0)(batch([0, 1]))
    moved = torch.stack([(p - b).norm() for p, b in zip(network.parameters(), before, strict=True)]).norm()
    assert moved.item() == pytest.approx(0.1 * 0.01, rel=1e-3)  # learning rate times norm


def test_a_loss_that_is_not_finite_names_the_volumes():
    network = Network()
    given = batch([0, 1])
    given["image"][0] = float("nan")
    before = network.head.weight.detach().clone()
    with pytest.raises(RequestError, match=r"0\.nii\.gz, 1\.nii\.gz"):
        make(network)(given)
    assert torch.equal(network.head.weight, before)


def test_only_what_is_not_frozen_learns():
    network = Network()
    network.score.requires_grad_(False)
    assert [tuple(parameter.shape) for parameter in learning(network.parameters())] == [(3, 3, 1, 1), (3,)]
