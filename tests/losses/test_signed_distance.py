import pytest
import torch

from custom.losses import SignedDistanceLoss


def test_by_hand():
    # Differences .05, -.3, 0. Squares: (.0025 + .09) / 3.
    # Smooth L1, beta .1: .05² / .2 = .0125; .3 - .05 = .25; 0.
    prediction = torch.tensor([0.05, -0.3, 0.7]).view(1, 1, 1, 3)
    target = torch.tensor([0.0, 0.0, 0.7]).view(1, 1, 1, 3)
    assert SignedDistanceLoss("mse")(prediction, target).item() == pytest.approx(0.0925 / 3, abs=1e-7)
    assert SignedDistanceLoss("smooth_l1")(prediction, target).item() == pytest.approx(0.2625 / 3, abs=1e-7)
    # Weights 1, .5, 1: (.0125 + .125) / 3 pixels.
    weight = torch.tensor([1.0, 0.5, 1.0]).view(1, 1, 1, 3)
    assert SignedDistanceLoss()(prediction, target, weight).item() == pytest.approx(0.1375 / 3, abs=1e-7)


@pytest.mark.parametrize("kind", ["mse", "smooth_l1"])
def test_each_image_is_fitted_to_its_own_target(kind):
    # The release's broadcast fitted both images of a batch to the mean of both targets: opposite ones gave no gradient.
    prediction = torch.zeros(2, 1, 4, 4, requires_grad=True)
    target = torch.tensor([1.0, -1.0]).view(2, 1, 1, 1).expand(2, 1, 4, 4)
    SignedDistanceLoss(kind)(prediction, target).backward()
    assert (prediction.grad[0] < 0).all()
    assert (prediction.grad[1] > 0).all()


@pytest.mark.parametrize(
    ("prediction", "target", "weight"),
    [
        ((2, 1, 4, 4), (2, 4, 4), None),
        ((2, 4, 4), (2, 4, 4), None),
        ((2, 1, 4, 4), (1, 1, 4, 4), None),
        ((2, 2, 4, 4), (2, 2, 4, 4), None),
        ((2, 1, 4, 5), (2, 1, 5, 4), None),
        ((2, 1, 4, 4), (2, 1, 4, 4), (2, 4, 4)),
    ],
)
def test_nothing_broadcasts(prediction, target, weight):
    weight = None if weight is None else torch.ones(weight)
    with pytest.raises(ValueError, match=r"got shape .* wanted"):
        SignedDistanceLoss()(torch.zeros(prediction), torch.zeros(target), weight)


def test_bad_arguments():
    with pytest.raises(ValueError, match="kind"):
        SignedDistanceLoss("l2")
    with pytest.raises(ValueError, match="beta"):
        SignedDistanceLoss(beta=0)
