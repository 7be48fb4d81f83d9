"""Pseudo-labels of images that hold one constant each, so that every pixel tells which image it comes from."""

import math

import pytest
import torch

from custom.losses import BoundaryLoss, SegmentationLoss, SignedDistanceLoss
from custom.training.pseudo_labels import PseudoBatch, PseudoLabels

LOSSES = {"mask": SegmentationLoss(), "distance": SignedDistanceLoss(), "boundary": BoundaryLoss()}
# Of each image: probability of gland, distance, probability of border.
GLAND, DISTANCE, BORDER = (0.9, 0.7, 0.2), (0.8, 0.4, -0.6), (0.1, 0.3, 0.4)


def two_channels(probability):
    """Logits (b, 2, h, w) whose softmax is this probability (b, 1, h, w) of the second channel."""
    return torch.cat([torch.zeros_like(probability), torch.log(probability / (1 - probability))], 1)


def constant(values, channels=1, size=(12, 20)):
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, channels, *size).clone()


def outputs(gland=GLAND, distance=DISTANCE, border=BORDER):
    return {
        "mask": two_channels(constant(gland)),
        "distance": constant(distance),
        "boundary": two_channels(constant(border)),
    }


def test_image_every_target_and_weight_are_mixed_alike():
    torch.manual_seed(0)
    images = constant([0.1, 0.2, 0.3], channels=3)
    found = PseudoLabels(LOSSES, "confidence", cutmix=1.0)(outputs(), images)
    confidence = [abs(2 * probability - 1) for probability in GLAND]
    for number, partner in ((0, 2), (1, 0), (2, 1)):
        inside = (found.images[number, 0] - images[partner, 0]).abs() < 1e-6
        assert 0 < inside.sum() < inside.numel()
        assert torch.equal(inside, inside.any(1)[:, None] & inside.any(0))  # a box
        for channel in range(3):
            assert torch.equal(
                found.images[number, channel], torch.where(inside, images[partner, 0], images[number, 0])
            )
        expected = {"mask": GLAND, "distance": DISTANCE, "boundary": BORDER, "weight": confidence}
        for name, values in expected.items():
            map_ = found.weight if name == "weight" else found.targets[name]
            wanted = torch.where(inside, values[partner], values[number])
            torch.testing.assert_close(map_[number, 0], wanted, atol=1e-6, rtol=0, msg=name)


def test_a_box_holds_what_the_partner_has_at_the_same_place():
    torch.manual_seed(0)
    images = torch.rand(5, 3, 16, 24)
    given = {"mask": torch.randn(5, 2, 16, 24), "distance": torch.rand(5, 1, 16, 24) - 0.5,
             "boundary": torch.randn(5, 2, 16, 24)}  # fmt: skip
    plain = PseudoLabels(LOSSES, "confidence", cutmix=0.0)(given, images)
    mixed = PseudoLabels(LOSSES, "confidence", cutmix=1.0)(given, images)
    partner = [4, 0, 1, 2, 3]
    inside = (mixed.images != images).all(1, keepdim=True)
    assert inside.flatten(1).any(1).all()
    pairs = {"images": (mixed.images, plain.images), "weight": (mixed.weight, plain.weight)}
    pairs |= {name: (mixed.targets[name], plain.targets[name]) for name in LOSSES}
    for name, (found, before) in pairs.items():
        assert torch.equal(found, torch.where(inside, before[partner], before)), name


def test_a_batch_of_one_is_not_mixed_and_none_without_cutmix():
    alone = constant([0.1], channels=3)
    before = torch.get_rng_state()
    one = PseudoLabels(LOSSES, "none", cutmix=1.0)(outputs(GLAND[:1], DISTANCE[:1], BORDER[:1]), alone)
    assert torch.equal(one.images, alone)
    assert torch.equal(torch.get_rng_state(), before)  # no box is drawn for it
    assert {name: map_.unique().numel() for name, map_ in one.targets.items()} == dict.fromkeys(LOSSES, 1)
    several = constant([0.1, 0.2, 0.3], channels=3)
    found = PseudoLabels(LOSSES, "none", cutmix=0.0)(outputs(), several)
    assert torch.equal(found.images, several)
    torch.testing.assert_close(found.targets["mask"], constant(GLAND))


def test_cutmix_is_the_share_of_images_that_get_a_box():
    torch.manual_seed(0)
    values = torch.linspace(0.1, 0.9, 400).tolist()
    images = constant(values, channels=3, size=(8, 8))
    given = {"mask": torch.zeros(400, 2, 8, 8), "distance": images[:, :1], "boundary": torch.zeros(400, 2, 8, 8)}
    found = PseudoLabels(LOSSES, "none", cutmix=0.25)(given, images)
    mixed = (found.images != images).flatten(1).any(1).sum().item()
    assert 65 < mixed < 135  # 100, standard deviation 8.7
    assert torch.equal(found.targets["distance"], found.images[:, :1])


@pytest.mark.parametrize(
    ("hard", "mask", "boundary"), [(False, GLAND, BORDER), (True, (1.0, 1.0, 0.0), (0.0, 0.0, 0.0))]
)
def test_hard_rounds_probabilities_and_leaves_the_distance(hard, mask, boundary):
    found = PseudoLabels(LOSSES, "none", cutmix=0.0, hard=hard)(outputs(), constant([0.1, 0.2, 0.3], channels=3))
    for name, values in {"mask": mask, "distance": DISTANCE, "boundary": boundary}.items():
        torch.testing.assert_close(found.targets[name], constant(values), msg=name)


@pytest.mark.parametrize(
    ("weighing", "expected"),
    [
        ("none", (1.0, 1.0, 1.0, 1.0)),
        ("confidence", (0.8, 0.4, 0.6, 0.8)),
        # gland and inside; gland and outside; no gland and outside; gland, and a border where it should be far
        ("agreement", (0.8, 0.0, 0.6, 0.0)),
    ],
)
def test_each_weighing_by_hand(weighing, expected):
    given = outputs((0.9, 0.7, 0.2, 0.9), (0.8, -0.4, -0.6, 0.8), (0.1, 0.3, 0.4, 0.7))
    found = PseudoLabels(LOSSES, weighing, cutmix=0.0)(given, constant([0.1, 0.2, 0.3, 0.4], channels=3))
    torch.testing.assert_close(found.weight, constant(expected))


def test_nothing_is_learnt_through_them():
    given = {name: output.requires_grad_() for name, output in outputs().items()}
    found = PseudoLabels(LOSSES, cutmix=1.0)(given, constant([0.1, 0.2, 0.3], channels=3))
    assert not any(map_.requires_grad for map_ in (found.images, found.weight, *found.targets.values()))


def test_the_log_by_hand():
    """Gland in the targets at pixels 0 and 2 of 4; the fused mask says 0, 1 and 2, so 3 of 4 agree."""
    target = torch.tensor([0.9, 0.1, 0.6, 0.2]).view(1, 1, 2, 2)
    weight = torch.tensor([1.0, 0.5, 0.0, 0.1]).view(1, 1, 2, 2)
    mask = two_channels(torch.tensor([0.8, 0.7, 0.9, 0.1]).view(1, 1, 2, 2))
    log = PseudoBatch(torch.zeros(1, 3, 2, 2), {"mask": target}, weight).log({"mask": mask})
    assert {name: value.item() for name, value in log.items()} == {
        "pseudo/gland_share": 0.5,
        "pseudo/agreement": 0.75,
        "pseudo/weight": pytest.approx(0.4),
    }
    assert math.isclose(log["pseudo/weight"].item(), weight.mean().item())
