import pytest
import torch
from torch.nn import functional as F

from custom.networks.m4oe.heads import Heads


@pytest.fixture
def heads():
    torch.manual_seed(0)
    heads = Heads(channels=8, classes={"btcv": 5, "acdc": 3, "mr_brain": 2})
    for head in heads.heads.values():
        torch.nn.init.normal_(head.bias)
    return heads


def test_each_is_a_1x1_convolution(heads):
    features = torch.randn(2, 6, 4, 8)
    logits = heads(features, [2, 0])
    for found, name in zip(logits, ("mr_brain", "btcv"), strict=True):
        weight, bias = heads.heads[name].weight, heads.heads[name].bias
        torch.testing.assert_close(found, F.conv2d(features.permute(0, 3, 1, 2), weight[:, :, None, None], bias))


def test_a_mixed_batch_gets_the_heads_of_its_images(heads):
    features = torch.randn(4, 6, 4, 8)
    logits = heads.each(features, torch.tensor([1, 0, 2, 1]), classes=5)
    assert logits.shape == (4, 5, 6, 4)
    for image, (head, classes) in enumerate([(1, 3), (0, 5), (2, 2), (1, 3)]):
        torch.testing.assert_close(logits[image, :classes], heads(features, [head])[0][image])
        assert (logits[image, classes:] == -1e4).all()
        assert (logits[image].softmax(0)[classes:] == 0).all()


def test_no_more_classes_than_the_batch_needs(heads):
    features = torch.randn(2, 6, 4, 8)
    logits = heads.each(features, torch.tensor([1, 2]), classes=3)
    assert logits.shape == (2, 3, 6, 4)
    torch.testing.assert_close(logits[0], heads(features, [1])[0][0])


def test_only_the_heads_asked_learn(heads):
    heads.each(torch.randn(2, 6, 4, 8), torch.tensor([1, 1]), classes=3).square().sum().backward()
    assert {name: bool(head.weight.grad.any()) for name, head in heads.heads.items()} == {
        "btcv": False,
        "acdc": True,
        "mr_brain": False,
    }


def test_float32_under_autocast_and_scripts(heads):
    features, head = torch.randn(2, 6, 4, 8), torch.tensor([0, 2])
    scripted = torch.jit.script(heads)
    torch.testing.assert_close(scripted.each(features, head, 5), heads.each(features, head, 5))
    torch.testing.assert_close(scripted(features, [1, 0]), heads(features, [1, 0]))
    with torch.autocast("cpu", torch.bfloat16):
        assert heads.each(features, head, 5).dtype == torch.float32
        assert heads(features, [1])[0].dtype == torch.float32
