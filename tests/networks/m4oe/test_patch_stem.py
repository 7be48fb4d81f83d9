import torch
from torch.nn import functional as F

from custom.networks.m4oe.patch_stem import PatchStem


def test_tokens_are_one_linear_layer_of_their_patch():
    torch.manual_seed(0)
    stem, image = PatchStem(channels=8), torch.randn(2, 3, 12, 8)
    tokens, skips = stem(image, [])
    patches = F.unfold(image, 4, stride=4).transpose(1, 2).view(2, 3, 2, 48)
    torch.testing.assert_close(tokens, stem.norm(patches @ stem.proj.weight.flatten(1).T + stem.proj.bias))
    assert skips == []


def test_every_pixel_comes_from_its_own_token():
    stem, tokens = PatchStem(channels=8), torch.randn(1, 3, 2, 8, requires_grad=True)
    features = stem.finish(tokens, [], [])
    assert features.shape == (1, 12, 8, stem.output_channels)
    features[0, 7, 3].square().sum().backward()
    assert tokens.grad[0].abs().sum(-1).nonzero().tolist() == [[1, 0]]
