import pytest
import torch

from custom.networks import SharedEncoder


def test_what_it_says_of_itself_is_true():
    features = SharedEncoder("efficientnet-lite2", pretrained=False, expert_count=2, decoder_channels=(32, 24, 16, 8))
    output = features(torch.rand(2, 3, 64, 96))
    size = (64 // features.stride, 96 // features.stride)
    assert output.shape == (2, features.expert_count, features.channels, *size) == (2, 2, 8, 32, 48)


def test_experts_differ_and_share_the_encoder():
    torch.manual_seed(0)
    features = SharedEncoder(pretrained=False).eval()
    image = torch.randn(1, 3, 32, 32)
    output = features(image)
    maps = features.encoder(image)
    for expert, decoder in enumerate(features.decoders):
        torch.testing.assert_close(output[:, expert], decoder(maps, []))
    assert not torch.allclose(output[:, 0], output[:, 1])


def test_refuses_no_expert():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        SharedEncoder(pretrained=False, expert_count=0)
