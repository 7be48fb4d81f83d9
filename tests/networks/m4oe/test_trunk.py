import pytest
import torch

from custom.networks import M4oE
from custom.networks.m4oe.trunk import NoTrunk, Trunk
from custom.networks.mixture import ExpertMixture

MODALITY = torch.tensor([0, 1])


def make(depths=(2, 1, 1), heads=(1, 2, 2), drop_path=0.0, **arguments):
    torch.manual_seed(0)
    return Trunk(
        4, depths, heads, window=4, drop_path=drop_path,
        mixture=lambda channels: ExpertMixture(channels, 2 * channels, {"ct": 2, "mr": 2}, **arguments),
    )  # fmt: skip


def test_one_gate_a_block_in_the_order_of_the_layers():
    trunk = make()
    x, gates, router_z = trunk(torch.randn(2, 8, 12, 4), MODALITY, [1, 1], False)
    assert x.shape == (2, 8, 12, 4)
    assert dict(zip(trunk.layers, [tuple(gate.shape[1:]) for gate in gates], strict=True)) == {
        "encoder0_0": (8, 12, 2),
        "encoder0_1": (8, 12, 2),
        "encoder1_0": (4, 6, 2),
        "encoder2_0": (2, 3, 2),
        "decoder1_0": (4, 6, 2),
        "decoder0_0": (8, 12, 2),
        "decoder0_1": (8, 12, 2),
    }
    assert router_z.shape == ()


def test_router_z_is_the_mean_over_the_gates():
    trunk, said = make(), []
    for module in trunk.modules():
        if isinstance(module, ExpertMixture):
            module.gate.register_forward_hook(lambda module, inputs, output: said.append(output[1]))
    router_z = trunk(torch.randn(2, 8, 8, 4), MODALITY, [1, 1], False)[2]
    assert len(said) == 7
    torch.testing.assert_close(router_z, sum(said) / 7)
    assert make(routing="modality")(torch.randn(2, 8, 8, 4), MODALITY, [1, 1], False)[2] == 0


def test_every_other_block_is_shifted_and_the_drop_rises_with_the_depth():
    trunk = make(depths=(3, 2), heads=(1, 1), drop_path=0.4)
    blocks = [block for stage in (*trunk.encoder, *trunk.decoder) for block in stage.blocks]
    assert [block.attention.shift for block in blocks] == [0, 2, 0, 0, 2, 0, 2, 0]
    drops = [block.drop_path.p for block in blocks]
    assert drops == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0, 0.1, 0.2])  # the decoder's as its stage's


@torch.no_grad()
def test_a_skip_is_what_its_stage_gives():
    """A decoder that listens to its skip alone, and adds nothing, gives back what the encoder's first stage gave."""
    trunk, x = make(depths=(1, 1), heads=(1, 1)), torch.randn(2, 8, 8, 4)
    trunk.joining[0].weight.copy_(torch.cat([torch.zeros(4, 4), torch.eye(4)], 1))
    block = trunk.decoder[0].blocks[0]
    for last in (block.attention.proj, *(expert.linear2 for expert in block.mixture.experts.values())):
        last.weight.zero_()
    first = trunk.encoder[0].blocks[0](x, MODALITY, [1, 1], False)[0]
    torch.testing.assert_close(trunk(x, MODALITY, [1, 1], False)[0], trunk.norm_up(first))


@torch.no_grad()
def test_the_decoder_listens_to_what_comes_from_below():
    trunk, x = make(), torch.randn(1, 8, 8, 4)
    before = trunk(x, MODALITY[:1], [1, 0], False)[0]
    trunk.norm.bias.normal_()
    assert not torch.allclose(trunk(x, MODALITY[:1], [1, 0], False)[0], before)


def test_every_parameter_learns():
    trunk = make(drop_path=0.0)
    x, _, router_z = trunk(torch.randn(2, 16, 16, 4), MODALITY, [1, 1], False)
    (x * torch.randn_like(x)).sum().add(router_z).backward()
    assert [name for name, parameter in trunk.named_parameters() if not parameter.grad.any()] == []


@pytest.mark.parametrize(("depths", "heads"), [((), ()), ((2, 2), (1,))])
def test_stages_must_fit(depths, heads):
    with pytest.raises(ValueError, match="of the same stages"):
        make(depths, heads)


def test_a_single_stage_scripts():
    trunk, x = make(depths=(1,), heads=(1,)), torch.randn(2, 4, 4, 4)
    scripted = torch.jit.script(trunk)
    torch.testing.assert_close(scripted(x, MODALITY, [1, 1], False)[0], trunk(x, MODALITY, [1, 1], False)[0])


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
    outputs = network.outputs(image, torch.tensor([0, 1]))
    assert outputs["logits"].shape == (2, 3, 50, 70)
    assert not [name for name in outputs if name.endswith("_gate")]
    assert network.multiple == 32
    names = [name for name, _ in network.named_parameters() if "expert" in name or "attention" in name]
    assert names == []


def test_an_image_is_the_same_alone_and_in_a_mixed_batch(network):
    image = torch.rand(2, 3, 32, 64)
    mixed = network.outputs(image, torch.tensor([0, 1]))["logits"]
    torch.testing.assert_close(mixed[1:, :2], network(image[1:], 1), atol=1e-5, rtol=1e-4)


def test_torchscript_gives_the_same(network):
    image = torch.rand(1, 3, 33, 40)
    scripted = torch.jit.script(network)
    torch.testing.assert_close(scripted(image, 1), network(image, 1), atol=1e-5, rtol=1e-4)
