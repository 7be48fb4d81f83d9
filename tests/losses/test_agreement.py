import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from custom.losses import agreement_weight


def two_channels(foreground):
    foreground = torch.tensor(foreground).view(1, 1, 1, -1)
    return torch.cat([torch.log1p(-foreground), torch.log(foreground)], dim=1)


def test_by_hand():
    # agree in, agree out, mask in and distance out, the reverse, boundary far inside, boundary at the border
    mask = two_channels([0.9, 0.2, 0.9, 0.2, 0.9, 0.6])
    distance = torch.tensor([0.8, -0.8, -0.8, 0.8, 0.8, 0.1]).view(1, 1, 1, 6)
    boundary = two_channels([0.1, 0.1, 0.1, 0.1, 0.7, 0.7])
    confidence = [0.8, 0.6, 0.8, 0.6, 0.8, 0.2]
    weight = agreement_weight(mask, distance, boundary, "confidence")
    assert weight.flatten().tolist() == pytest.approx(confidence, abs=1e-6)
    weight = agreement_weight(mask, distance, boundary, "agreement", band=0.5)
    assert weight.flatten().tolist() == pytest.approx([0.8, 0.6, 0, 0, 0, 0.2], abs=1e-6)
    weight = agreement_weight(mask, distance, boundary, "agreement", threshold=0.7)
    assert weight.flatten().tolist() == pytest.approx([0.8, 0, 0, 0, 0, 0], abs=1e-6)
    assert agreement_weight(mask, distance, boundary, "none").flatten().tolist() == [1.0] * 6


@given(seed=st.integers(0, 1000), threshold=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_weights_are_within_0_and_1_and_agreement_only_takes_away(seed, threshold):
    generator = torch.Generator().manual_seed(seed)
    mask, boundary = (5 * torch.randn(2, 2, 4, 6, generator=generator) for _ in range(2))
    distance = torch.tanh(torch.randn(2, 1, 4, 6, generator=generator))
    confidence = agreement_weight(mask, distance, boundary, "confidence", threshold)
    agreement = agreement_weight(mask, distance, boundary, "agreement", threshold)
    assert confidence.shape == agreement.shape == (2, 1, 4, 6)
    assert confidence.min() >= 0
    assert confidence.max() <= 1
    assert ((agreement == confidence) | (agreement == 0)).all()
    for (background, gland), weight in zip(mask[0, :, 0].T.tolist(), confidence[0, 0, 0].tolist(), strict=True):
        wanted = abs(math.tanh((gland - background) / 2))  # |2 sigmoid(x) - 1| = |tanh(x / 2)|
        if abs(wanted - threshold) > 1e-5:  # at the threshold itself, rounding decides
            assert weight == pytest.approx(wanted if wanted > threshold else 0, abs=1e-5)


def test_no_gradient_and_nothing_is_changed():
    mask, distance, boundary = torch.randn(1, 2, 4, 4), torch.rand(1, 1, 4, 4), torch.randn(1, 2, 4, 4)
    copies = mask.clone(), distance.clone(), boundary.clone()
    assert not agreement_weight(mask.requires_grad_(), distance, boundary).requires_grad
    assert all(torch.equal(a, b) for a, b in zip((mask, distance, boundary), copies, strict=True))


def test_bad_input():
    mask, distance = torch.zeros(2, 2, 4, 5), torch.zeros(2, 1, 4, 5)
    for bad in [
        (mask[:, :1], distance, mask),
        (mask, distance[:, 0], mask),
        (mask, distance[:1], mask),
        (mask, distance, distance),
    ]:
        with pytest.raises(ValueError, match="got shape"):
            agreement_weight(*bad)
    with pytest.raises(ValueError, match="kind"):
        agreement_weight(mask, distance, mask, "trust")
    with pytest.raises(ValueError, match="threshold"):
        agreement_weight(mask, distance, mask, threshold=1.5)
    with pytest.raises(ValueError, match="band"):
        agreement_weight(mask, distance, mask, band=0)
