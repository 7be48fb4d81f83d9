import pytest
import torch

from custom.networks import LiteEncoder
from custom.networks.m4oe.lite_stem import LiteStem


@pytest.mark.parametrize(
    ("name", "channels"), [("efficientnet-lite0", (16, 24, 40, 112)), ("efficientnet-lite2", (16, 24, 48, 120))]
)
def test_shapes_are_those_it_states(name, channels):
    stem = LiteStem(name, channels=8, pretrained=False)
    tokens, skips = stem(torch.rand(2, 3, 64, 32), [])
    assert tokens.shape == (2, 64 // stem.stride, 32 // stem.stride, 8)
    assert [tuple(skip.shape) for skip in skips] == [(2, c, 32 // 2**n, 16 // 2**n) for n, c in enumerate(channels)]
    features = stem.finish(tokens, skips, [])
    assert features.shape == (2, 64 // stem.output_stride, 32 // stem.output_stride, stem.output_channels)


def test_it_is_the_beginning_of_the_encoder():
    """So ImageNet's weights, which `test_encoder` compares with their owner's, fit it."""
    torch.manual_seed(0)
    stem, encoder = LiteStem("efficientnet-lite0", 8, False).eval(), LiteEncoder("efficientnet-lite0").eval()
    encoder.levels[:4].load_state_dict(stem.levels.state_dict())
    image = torch.randn(1, 3, 32, 48)
    maps = encoder(image)
    tokens, skips = stem(image, [])
    torch.testing.assert_close(skips, maps[:4])
    torch.testing.assert_close(tokens, stem.norm(stem.proj(maps[3].permute(0, 2, 3, 1))))


def test_what_is_left_passes_by_the_tokens():
    """Else nothing is learnt before the Swin stages are."""
    stem = LiteStem("efficientnet-lite0", 8, False).eval()
    tokens, skips = stem(torch.randn(1, 3, 32, 32), [])
    other = [*skips[:-1], skips[-1] + 1.0]
    assert not torch.equal(stem.finish(tokens, skips, []), stem.finish(tokens, other, []))


def test_an_unknown_encoder_is_refused():
    with pytest.raises(ValueError, match="unknown encoder 'resnet'"):
        LiteStem("resnet", 8, False)
