import math

import pytest
import torch
from monai.losses import DiceLoss

from custom.losses import BoundaryLoss, SegmentationLoss
from custom.losses.segmentation import two_classes


def maps(seed, b=2, h=5, w=7):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(b, 2, h, w, generator=generator)
    return logits, (torch.rand(b, 1, h, w, generator=generator) > 0.8).float()


def test_weighted_cross_entropy_by_hand():
    # p = .8, .4, .5; t = 1, 0, 0; the band's pixel counts three times:
    # -(3 log .8 + log .6 + log .5) / (3 + 1 + 1)
    foreground = torch.tensor([[[0.8, 0.4, 0.5]]])
    logits = torch.stack([torch.log1p(-foreground), torch.log(foreground)], dim=1)
    target = torch.tensor([[[[1.0, 0.0, 0.0]]]])
    wanted = -(3 * math.log(0.8) + math.log(0.6) + math.log(0.5)) / 5
    assert BoundaryLoss(dice_weight=0, band_weight=3.0)(logits, target).item() == pytest.approx(wanted, abs=1e-6)


def test_cross_entropy_agrees_with_torchs_class_weights():
    logits, target = maps(0)
    wanted = torch.nn.functional.cross_entropy(logits, target[:, 0].long(), weight=torch.tensor([1.0, 4.0]))
    torch.testing.assert_close(BoundaryLoss(dice_weight=0, band_weight=4.0)(logits, target), wanted)


def test_dice_of_the_release_agrees_with_monai():
    logits, target = maps(1)
    monai = DiceLoss(softmax=True, smooth_nr=1e-8, smooth_dr=1e-8)(logits, two_classes(target))
    loss = BoundaryLoss(cross_entropy_weight=0, smooth=1e-8, squared=False)
    torch.testing.assert_close(loss(logits, target), monai)


def test_a_band_weight_of_one_is_the_segmentation_loss():
    logits, target = maps(2)
    weight = torch.rand_like(target)
    torch.testing.assert_close(
        BoundaryLoss(band_weight=1.0)(logits, target, weight), SegmentationLoss()(logits, target, weight)
    )


def test_an_image_without_band_is_finite_even_with_the_releases_smoothing():
    logits, target = maps(3)
    logits.requires_grad_()
    value = BoundaryLoss(smooth=1e-8)(logits, torch.zeros_like(target))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()


def test_a_soft_band_is_its_own_best_prediction():
    probability = torch.rand(2, 1, 5, 7, generator=torch.Generator().manual_seed(4)).clamp(0.05, 0.95)
    logits = torch.cat([torch.log1p(-probability), torch.log(probability)], dim=1).requires_grad_()
    BoundaryLoss()(logits, probability).backward()
    assert logits.grad.abs().max() < 1e-6


def test_wrong_shapes_and_arguments():
    with pytest.raises(ValueError, match="target: got shape"):
        BoundaryLoss()(torch.zeros(2, 2, 4, 5), torch.zeros(2, 4, 5))
    with pytest.raises(ValueError, match="band_weight"):
        BoundaryLoss(band_weight=0)
