import pytest
import torch

from custom.networks import SemiMoE, SeparateUNets


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return SemiMoE(SeparateUNets(), gate="paper")


def count(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def test_parameters_of_the_paper(network):
    experts = [
        count(unet, network.mixtures[output].own_heads)
        for unet, output in zip(network.features.unets, ("mask", "distance", "boundary"), strict=True)
    ]
    assert experts == [34_527_106, 34_527_041, 34_527_106]
    gates = [count(mixture.gate) for mixture in network.mixtures.values()]
    heads = [count(mixture.head) for mixture in network.mixtures.values()]
    assert gates == [28_131] * 3
    assert heads == [130, 65, 130]
    assert sum(gates) + sum(heads) == 84_718
    assert count(network) == 103_665_971


def test_starts_as_the_authors_do(network):
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            fan_in = module.weight[0].numel()
            if module.weight.numel() > 5000:
                assert module.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)
            assert not module.bias.any()
    scales = torch.cat([m.weight for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)])
    assert scales.mean().item() == pytest.approx(1, abs=0.002)
    assert scales.std().item() == pytest.approx(0.02, rel=0.1)


def test_outputs_script_and_size(network):
    network.eval()
    image = torch.rand(1, 3, 20, 33)
    scripted = torch.jit.script(network)
    with torch.no_grad():
        ours, theirs = network.outputs(image), scripted.outputs(image)
    assert list(ours) == list(theirs)
    assert ours["mask"].shape == (1, 2, 20, 33)
    for key, value in ours.items():
        torch.testing.assert_close(value, theirs[key])


def test_features_have_the_image_size():
    features = SeparateUNets(expert_count=2)
    assert features(torch.rand(1, 3, 32, 48)).shape == (1, 2, 64, 32, 48)
    with pytest.raises(ValueError, match="at least 1"):
        SeparateUNets(expert_count=0)
