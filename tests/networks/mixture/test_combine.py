import pytest
import torch

from custom.networks.mixture import combine, stack_experts


def test_hand_worked_weights_of_the_image():
    # Two experts, one channel, 1 x 2 pixels. 0.25 * (4, 8) + 0.75 * (0, 4) = (1, 2 + 3) = (1, 5)
    features = torch.tensor([[[[[4.0, 8.0]]], [[[0.0, 4.0]]]]])
    mixture = combine(features, torch.tensor([[0.25, 0.75]]))
    assert mixture.shape == (1, 1, 1, 2)
    assert mixture.flatten().tolist() == [1.0, 5.0]


def test_hand_worked_weights_of_the_pixels():
    # Left pixel: 1 * 4 + 0 * 0 = 4. Right pixel: 0.5 * 8 + 0.5 * 4 = 6.
    features = torch.tensor([[[[[4.0, 8.0]]], [[[0.0, 4.0]]]]])
    weights = torch.tensor([[[[1.0, 0.5]], [[0.0, 0.5]]]])
    assert combine(features, weights).flatten().tolist() == [4.0, 6.0]


def test_agrees_with_einsum():
    features, weights = torch.rand(2, 3, 4, 5, 6), torch.rand(2, 3)
    torch.testing.assert_close(combine(features, weights), torch.einsum("bechw,be->bchw", features, weights))
    weights = torch.rand(2, 3, 5, 6)
    torch.testing.assert_close(combine(features, weights), torch.einsum("bechw,behw->bchw", features, weights))


@pytest.mark.parametrize("shape", [(1, 3), (2, 1), (2, 3, 1, 1), (2, 3, 5, 1), (2,)])
def test_nothing_is_broadcast(shape):
    with pytest.raises(ValueError, match="weights must be"):
        combine(torch.rand(2, 3, 4, 5, 6), torch.rand(shape))


def test_stacked_experts_are_channels_last_without_a_copy():
    maps = [torch.rand(2, 4, 5, 6).contiguous(memory_format=torch.channels_last) for _ in range(3)]
    features = stack_experts(maps)
    assert torch.equal(features, torch.stack(maps, dim=1))
    flat = features.flatten(0, 1)
    assert flat.is_contiguous(memory_format=torch.channels_last)
    assert flat.data_ptr() == features.data_ptr()
