import pytest
import torch

from custom.networks import M4oE
from custom.networks.m4oe.no_trunk import NoTrunk

TASKS = {
    "btcv": {"head": "btcv", "modality": "ct", "labels": {"1": "spleen", "6": "liver"}},
    "acdc": {"head": "acdc", "modality": "mr", "labels": {"3": "left ventricle"}},
}


def test_tokens_go_through_as_they_are():
    tokens = torch.rand(2, 3, 4, 5)
    same, gates, router_z = NoTrunk()(tokens, torch.tensor([0, 1]), [1, 1], False)
    assert torch.equal(same, tokens)
    assert gates == []
    assert router_z == 0


@pytest.fixture
def network():
    torch.manual_seed(0)
    return M4oE(TASKS, embed=320, depths=[], heads=[]).eval()


def test_without_stages_the_network_is_a_plain_unet(network):
    image = torch.rand(2, 3, 50, 70)
    outputs = network.tasks(image, torch.tensor([0, 1]))
    assert outputs["logits"].shape == (2, 3, 50, 70)
    assert not [name for name in outputs if name.endswith("_gate")]
    assert network.multiple == 32
    names = [name for name, _ in network.named_parameters() if "expert" in name or "attention" in name]
    assert names == []


def test_an_image_is_the_same_alone_and_in_a_mixed_batch(network):
    image = torch.rand(2, 3, 32, 64)
    mixed = network.tasks(image, torch.tensor([0, 1]))["logits"]
    torch.testing.assert_close(mixed[1:, :2], network(image[1:], 1), atol=1e-5, rtol=1e-4)


def test_torchscript_gives_the_same(network):
    image = torch.rand(1, 3, 33, 40)
    scripted = torch.jit.script(network)
    torch.testing.assert_close(scripted(image, 1), network(image, 1), atol=1e-5, rtol=1e-4)
