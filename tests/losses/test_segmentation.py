import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.losses import DiceCELoss, DiceLoss, MaskedDiceLoss

from custom.losses import SegmentationLoss
from custom.losses.segmentation import soft_dice, two_classes

PAPER = {"dice_weight": 1.0, "cross_entropy_weight": 0.0, "smooth": 1.0, "squared": True}


def logits_of(foreground):
    """Two-channel logits whose softmax has this foreground probability."""
    foreground = torch.as_tensor(foreground, dtype=torch.float32)
    return torch.stack([torch.log1p(-foreground), torch.log(foreground)], dim=1)


def maps(seed, b=2, h=5, w=7):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(b, 2, h, w, generator=generator)
    return logits, torch.rand(b, 1, h, w, generator=generator), torch.rand(b, 1, h, w, generator=generator)


def test_dice_by_hand():
    # One image of two pixels: p = .8, .4; t = 1, 0.
    # foreground: 2 * .8 + 1 = 2.6 over (.64 + .16) + 1 + 1 = 2.8
    # background: p = .2, .6; t = 0, 1: 2 * .6 + 1 = 2.2 over (.04 + .36) + 1 + 1 = 2.4
    prediction, target = logits_of([[[0.8, 0.4]]]), torch.tensor([[[[1.0, 0.0]]]])
    wanted = ((1 - 2.6 / 2.8) + (1 - 2.2 / 2.4)) / 2
    assert SegmentationLoss(**PAPER)(prediction, target).item() == pytest.approx(wanted, abs=1e-6)


def test_dice_by_hand_without_squares():
    # foreground: 2.6 over (.8 + .4) + 1 + 1 = 3.2; background: 2.2 over (.2 + .6) + 1 + 1 = 2.8
    prediction, target = logits_of([[[0.8, 0.4]]]), torch.tensor([[[[1.0, 0.0]]]])
    wanted = ((1 - 2.6 / 3.2) + (1 - 2.2 / 2.8)) / 2
    loss = SegmentationLoss(**{**PAPER, "squared": False})(prediction, target)
    assert loss.item() == pytest.approx(wanted, abs=1e-6)


def test_weighted_sum_by_hand():
    # Weights 1, .5 on the two pixels above. Cross-entropy: -(1 log .8 + .5 log .6) / 2 pixels.
    # Dice, foreground: 2 * .8 + 1 = 2.6 over (.64 + .5 * .16) + 1 + 1 = 2.72
    # background: 2 * .5 * .6 + 1 = 1.6 over (.04 + .5 * .36) + .5 + 1 = 1.72
    prediction, target = logits_of([[[0.8, 0.4]]]), torch.tensor([[[[1.0, 0.0]]]])
    weight = torch.tensor([[[[1.0, 0.5]]]])
    entropy = -(math.log(0.8) + 0.5 * math.log(0.6)) / 2
    dice = ((1 - 2.6 / 2.72) + (1 - 1.6 / 1.72)) / 2
    loss = SegmentationLoss(dice_weight=2.0, cross_entropy_weight=3.0)(prediction, target, weight)
    assert loss.item() == pytest.approx(2 * dice + 3 * entropy, abs=1e-6)


def test_dice_is_per_image_not_pooled():
    # A perfect image and an all-wrong one. Wrong, foreground: (0 + 1) / (4 + 0 + 1) = .2, background the same: loss .8.
    target = torch.tensor([1.0, 0.0]).view(2, 1, 1, 1).expand(2, 1, 2, 2)
    prediction = torch.stack([torch.full((2, 2, 2), -50.0), torch.full((2, 2, 2), 50.0)], dim=1)
    assert SegmentationLoss(**PAPER)(prediction, target).item() == pytest.approx((0 + 0.8) / 2, abs=1e-6)


@pytest.mark.parametrize("squared", [True, False])
def test_dice_agrees_with_monai(squared):
    logits, soft, _ = maps(0)
    target = (soft > 0.5).float()
    monai = DiceLoss(softmax=True, squared_pred=squared, smooth_nr=1.0, smooth_dr=1.0)(logits, two_classes(target))
    ours = SegmentationLoss(**{**PAPER, "squared": squared})(logits, target)
    torch.testing.assert_close(ours, monai)


def test_sum_agrees_with_monai():
    logits, soft, _ = maps(1)
    target = two_classes((soft > 0.5).float())
    monai = DiceCELoss(softmax=True, squared_pred=True, smooth_nr=1.0, smooth_dr=1.0, lambda_dice=0.7, lambda_ce=1.3)
    ours = SegmentationLoss(dice_weight=0.7, cross_entropy_weight=1.3)(logits, target[:, 1:])
    torch.testing.assert_close(ours, monai(logits, target))


def test_weight_of_zeros_and_ones_agrees_with_monais_masked_dice():
    logits, soft, weight = maps(2)
    probability, target, mask = logits.softmax(1), two_classes((soft > 0.5).float()), (weight > 0.5).float()
    monai = MaskedDiceLoss(squared_pred=True, smooth_nr=1.0, smooth_dr=1.0)(probability, target, mask)
    torch.testing.assert_close(soft_dice(probability, target, mask, 1.0, True).mean(), monai)


@pytest.mark.parametrize(("dice", "entropy"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
@given(seed=st.integers(0, 1000), step=st.floats(-2, 2).filter(lambda x: abs(x) > 0.05))
@settings(max_examples=20, deadline=None)
def test_a_soft_target_is_its_own_best_prediction(dice, entropy, seed, step):
    _, target, weight = maps(seed)
    target, weight = target.clamp(0.05, 0.95), weight + 0.1
    loss = SegmentationLoss(dice_weight=dice, cross_entropy_weight=entropy)
    best = logits_of(target[:, 0]).requires_grad_()
    value = loss(best, target, weight)
    (slope,) = torch.autograd.grad(value, best)
    assert slope.abs().max() < 1e-5
    moved = best.detach().clone()
    moved[:, 1, 2, 3] += step
    assert loss(moved, target, weight) > value.detach() - 1e-7


def test_a_weight_of_one_changes_nothing_and_a_pixel_of_weight_zero_does_not_count():
    logits, target, weight = maps(3)
    loss = SegmentationLoss()
    torch.testing.assert_close(loss(logits, target, torch.ones_like(target)), loss(logits, target))
    weight[:, :, 1, 1] = 0
    other = logits.clone()
    other[:, :, 1, 1] += torch.tensor([5.0, -5.0])
    torch.testing.assert_close(loss(other, target, weight), loss(logits, target, weight))
    assert abs(loss(other, target) - loss(logits, target)) > 1e-3


def test_no_trust_at_all_costs_nothing_and_has_no_gradient():
    logits, target, weight = maps(4)
    logits.requires_grad_()
    value = SegmentationLoss()(logits, target, torch.zeros_like(weight))
    value.backward()
    assert value.item() == 0
    assert logits.grad.abs().max() == 0


@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_empty_and_full_images_are_finite(fill):
    logits, target, _ = maps(5)
    logits.requires_grad_()
    value = SegmentationLoss()(logits, torch.full_like(target, fill))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()


def test_mean_of_a_batch_is_the_mean_of_its_images():
    logits, target, weight = maps(6)
    loss = SegmentationLoss()
    single = [loss(logits[i : i + 1], target[i : i + 1], weight[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(loss(logits, target, weight), torch.stack(single).mean())


def test_half_precision_is_lifted():
    logits, target, _ = maps(7)
    value = SegmentationLoss()(logits.bfloat16(), target)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, SegmentationLoss()(logits.bfloat16().float(), target))


@pytest.mark.parametrize(
    ("prediction", "target", "weight"),
    [
        ((2, 1, 4, 5), (2, 1, 4, 5), None),
        ((2, 2, 4, 5), (2, 4, 5), None),
        ((2, 2, 4, 5), (1, 1, 4, 5), None),
        ((2, 2, 4, 5), (2, 2, 4, 5), None),
        ((2, 2, 4, 5), (2, 1, 5, 4), None),
        ((2, 2, 4, 5), (2, 1, 4, 5), (2, 4, 5)),
        ((2, 2, 4, 5), (2, 1, 4, 5), (1, 1, 4, 5)),
        ((2, 2, 4, 5), (2, 1, 4, 5), (2, 1, 1, 1)),
    ],
)
def test_nothing_broadcasts(prediction, target, weight):
    weight = None if weight is None else torch.ones(weight)
    with pytest.raises(ValueError, match=r"got shape .* wanted"):
        SegmentationLoss()(torch.zeros(prediction), torch.zeros(target), weight)


def test_instance_ids_are_refused():
    with pytest.raises(ValueError, match="instance ids"):
        SegmentationLoss()(torch.zeros(1, 2, 4, 4), torch.zeros(1, 1, 4, 4, dtype=torch.int32))


@pytest.mark.parametrize(
    "arguments", [{"dice_weight": -1.0}, {"dice_weight": 0.0, "cross_entropy_weight": 0.0}, {"smooth": 0.0}]
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match="wanted"):
        SegmentationLoss(**arguments)
