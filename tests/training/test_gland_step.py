"""The step on a network small enough to follow by hand: one gland logit, the same everywhere."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from custom.checks import RequestError
from custom.losses import AdaptiveMultiObjectiveLoss, BoundaryLoss, SegmentationLoss, SignedDistanceLoss
from custom.training import GlandStep, MovingAverage, PseudoLabels

LOSSES = {"mask": SegmentationLoss(), "distance": SignedDistanceLoss("mse"), "boundary": BoundaryLoss()}


class Bias(nn.Module):
    """Every output is a learnt constant, whatever the image."""

    def __init__(self):
        super().__init__()
        self.mask = nn.Parameter(torch.zeros(2))
        self.distance = nn.Parameter(torch.zeros(1))
        self.boundary = nn.Parameter(torch.zeros(2))
        self.seen = []

    def maps(self, image):
        return image

    def outputs(self, image):
        self.seen.append(image.detach())
        outputs = {}
        for name in LOSSES:
            value = getattr(self, name)
            outputs[name] = value.view(1, -1, 1, 1).expand(len(image), -1, *image.shape[2:])
            outputs[f"{name}_experts"] = outputs[name][:, None]
            outputs[f"{name}_gate"] = torch.tensor([[0.25, 0.75]]).expand(len(image), -1)
        return outputs

    def forward(self, image):
        return self.outputs(image)


def labelled(count=2, value=1.0):
    target = torch.full((count, 1, 8, 8), value)
    return {
        "image": torch.rand(count, 3, 8, 8),
        "mask": target,
        "distance": target,
        "boundary": target,
        "path": ["l"] * count,
    }


def unlabelled(count=3):
    image = torch.rand(count, 3, 8, 8)
    return {"image": image, "strong": image.flip(1), "path": ["u"] * count}


def make(network, batches=None, **options):
    objective = AdaptiveMultiObjectiveLoss(dict.fromkeys(LOSSES, 1.0), learnable=False, start=0.0)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    pseudo = PseudoLabels(LOSSES, options.pop("weighing", "none"), cutmix=0.0, hard=options.pop("hard", False))
    step = GlandStep(objective, LOSSES, [optimizer], [], batches, pseudo, **options)
    return step, SimpleNamespace(network=network, state=SimpleNamespace(iteration=1))


def test_without_unlabelled_images_the_loss_is_the_supervised_one():
    network = Bias()
    step, engine = make(network)
    output = step(engine, labelled())
    # distance: (0 - 1)^2 = 1 for the fused output and 1 for its expert
    assert output["log"]["supervised/distance"].item() == pytest.approx(2.0)
    assert not any(name.startswith("unsupervised") for name in output["log"])
    # d/dv 2 (v - 1)^2 = -4 at v = 0, times the learning rate 0.1
    assert network.distance.item() == pytest.approx(0.4)
    assert output["gates"]["mask"].shape == (2, 2)


def test_the_network_learns_the_teachers_distance_from_the_strong_view():
    network = Bias()
    teacher = MovingAverage(network, decay=0.0)
    nn.init.constant_(teacher.network.distance, 0.5)
    batch = unlabelled()
    step, engine = make(network, [batch], teacher=teacher, unsupervised_weight=2.0)
    output = step(engine, labelled(value=0.0))
    # labelled targets are 0, where the network stands: only the teacher's 0.5 pulls, fused and expert, 2 * 0.25
    assert output["log"]["unsupervised/distance"].item() == pytest.approx(0.5)
    # 2 (weight) * d/dv 2 (v - 0.5)^2 = 2 * -2 = -4
    assert network.distance.item() == pytest.approx(0.4)
    assert torch.equal(network.seen[0][2:], batch["strong"])
    assert torch.equal(teacher.network.seen[0], batch["image"])
    # decay 0: the average is the network after its update
    assert teacher.network.distance.item() == pytest.approx(network.distance.item())


def test_without_a_teacher_the_experts_alone_follow_the_fused_output():
    network = Bias()
    step, engine = make(network, [unlabelled()], learn_from_teacher=False, hard=True)
    output = step(engine, labelled(value=0.0))
    # the expert's distance is the fused one here, so that nothing is left to learn
    assert output["log"]["unsupervised/distance"].item() == 0.0
    assert network.distance.item() == 0.0


def test_the_ramp_counts_steps_from_zero():
    network = Bias()
    steps = []
    step, engine = make(network, [unlabelled()], learn_from_teacher=False, ramp=lambda n: steps.append(n) or 0.0)
    output = step(engine, labelled())
    assert steps == [0]
    assert output["log"]["unsupervised/weight"].item() == 0.0


def test_a_loss_that_is_not_finite_names_the_images_and_updates_nothing():
    network = Bias()
    step, engine = make(network)
    batch = labelled()
    batch["distance"] = torch.full((2, 1, 8, 8), float("nan"))
    batch["path"] = ["a.png", "b.png"]
    with pytest.raises(RequestError, match=r"the loss is nan .* at step 1, images: a.png, b.png"):
        step(engine, batch)
    assert network.mask.tolist() == [0.0, 0.0]


def test_a_finite_loss_whose_gradient_is_not_updates_nothing_either():
    network = Bias()
    network.mask.register_hook(lambda gradient: gradient * float("inf"))
    step, engine = make(network)
    with pytest.raises(RequestError, match=r"gradient not finite at step 1"):
        step(engine, labelled())
    assert network.distance.item() == 0.0


def test_learning_from_a_teacher_needs_one():
    with pytest.raises(ValueError, match="got None"):
        make(Bias(), [unlabelled()])
