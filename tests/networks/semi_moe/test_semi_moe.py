import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from custom.networks import SemiMoE, SharedEncoder
from custom.networks.mixture import combine

OUTPUTS = {"mask": 2, "distance": 1, "boundary": 2}


def make(expert_outputs=(("mask",), ("distance",), ("boundary",)), **arguments):
    torch.manual_seed(0)
    features = SharedEncoder(pretrained=False, expert_count=len(expert_outputs), decoder_channels=(32, 24, 16, 16))
    return SemiMoE(features, expert_outputs=expert_outputs, **arguments)


@pytest.fixture(scope="module")
def network():
    """With statistics of its own, so that evaluation mode is not the identity on batch norms."""
    network = make()
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(4, 3, 64, 64))
    return network.eval()


def test_shapes_of_all_outputs(network):
    with torch.no_grad():
        outputs = network.outputs(torch.rand(2, 3, 40, 70))
    shapes = {key: tuple(value.shape) for key, value in outputs.items()}
    assert shapes == {
        **{name: (2, c, 40, 70) for name, c in OUTPUTS.items()},
        **{f"{name}_experts": (2, 1, c, 40, 70) for name, c in OUTPUTS.items()},
        **{f"{name}_gate": (2, 3) for name in OUTPUTS},
    }


@torch.no_grad()
def test_forward_and_maps_are_the_fused_outputs(network):
    image = torch.rand(2, 3, 40, 70)
    outputs = network.outputs(image)
    torch.testing.assert_close(network(image), outputs["mask"])
    torch.testing.assert_close(network.maps(image), torch.cat([outputs[name] for name in OUTPUTS], dim=1))
    assert outputs["distance"].abs().max() <= 1
    assert outputs["distance_experts"].abs().max() <= 1


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70))
@torch.no_grad()
def test_any_size(network, height, width):
    maps = network.maps(torch.rand(1, 3, height, width))
    assert maps.shape == (1, 5, height, width)
    assert maps.isfinite().all()


@pytest.mark.parametrize(("height", "width", "mode"), [(50, 70, "reflect"), (1, 1, "edge"), (33, 64, "reflect")])
@torch.no_grad()
def test_padding_is_that_of_numpy(network, height, width, mode):
    image = torch.rand(1, 3, height, width)
    wide = np.pad(image.numpy(), ((0, 0), (0, 0), (0, -height % 32), (0, -width % 32)), mode=mode)
    torch.testing.assert_close(network.maps(image), network.maps(torch.from_numpy(wide))[..., :height, :width])


@torch.no_grad()
def test_batch_is_one_by_one(network):
    images = torch.rand(3, 3, 40, 70)
    together = network.outputs(images)
    for i in range(3):
        for key, value in network.outputs(images[i : i + 1]).items():
            torch.testing.assert_close(together[key][i : i + 1], value, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_mixing_after_the_head_is_the_papers_mixing_before_it(network):
    image = torch.rand(2, 3, 64, 96)
    features, pooled = network._features(image)
    for mixture in network.mixtures.values():
        fused, weights = mixture(features, pooled)
        torch.testing.assert_close(fused, mixture.head(combine(features, weights)), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(weights, mixture.gate(features), atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_normalises_inside(network):
    image = torch.rand(1, 3, 32, 32)
    other = make(mean=(0, 0, 0), std=(1, 1, 1)).eval()
    other.load_state_dict({**network.state_dict(), "mean": other.mean, "std": other.std})
    torch.testing.assert_close(network(image), other((image - network.mean) / network.std), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("gate", "expert_outputs"),
    [
        ("image", [["mask"], ["distance"], ["boundary"]]),
        ("pixel", [["mask", "distance"], [], ["boundary"]]),
        ("average", [["mask"]] * 3),
        ("paper", [[]]),
    ],
)
@torch.no_grad()
def test_scripts(gate, expert_outputs, tmp_path):
    network = make(expert_outputs, gate=gate).eval()
    torch.jit.script(network).save(tmp_path / "network.ts")
    scripted = torch.jit.load(tmp_path / "network.ts")
    for size in ((33, 50), (7, 64)):
        image = torch.rand(2, 3, *size)
        ours, theirs = network.outputs(image), scripted.outputs(image)
        assert list(ours) == list(theirs)
        for key, value in ours.items():
            torch.testing.assert_close(value, theirs[key])
        torch.testing.assert_close(network.maps(image), scripted.maps(image))
        torch.testing.assert_close(network(image), scripted(image))


def test_pixel_gate_weights_have_the_size_of_the_image():
    weights = make(gate="pixel").eval().outputs(torch.rand(1, 3, 33, 50))["mask_gate"]
    assert weights.shape == (1, 3, 33, 50)
    torch.testing.assert_close(weights.sum(1), torch.ones(1, 33, 50))


def test_experts_of_one_output():
    outputs = make([["mask"]] * 3).outputs(torch.rand(2, 3, 32, 64))
    assert outputs["mask_experts"].shape == (2, 3, 2, 32, 64)
    assert "distance_experts" not in outputs
    assert "boundary_experts" not in outputs


def test_an_expert_with_several_outputs_and_one_with_none():
    outputs = make([["mask", "boundary"], [], ["mask"]]).outputs(torch.rand(2, 3, 32, 64))
    assert outputs["mask_experts"].shape == (2, 2, 2, 32, 64)
    assert outputs["boundary_experts"].shape == (2, 1, 2, 32, 64)
    assert outputs["mask_gate"].shape == (2, 3)


def test_one_expert_has_fused_heads_only_and_no_gate_to_tell_of():
    network = make([[]])
    outputs = network.outputs(torch.rand(2, 3, 32, 64))
    assert set(outputs) == set(OUTPUTS)
    heads = sum(p.numel() for p in network.mixtures.parameters())
    assert heads == 5 * 16 + 5  # 2 + 1 + 2 outputs of 16 channels and their biases


@pytest.mark.parametrize("gate", ["image", "pixel", "paper"])
def test_gradient_reaches_every_parameter(gate):
    network = make(gate=gate)
    image = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    sum(value.square().mean() for value in network.outputs(image).values()).backward()
    dead = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert not dead


def test_the_fused_output_teaches_all_experts():
    network = make()
    network(torch.rand(4, 3, 64, 64)).square().mean().backward()
    assert all(p.grad.abs().max() > 0 for p in network.features.parameters())


@torch.no_grad()
def test_float32_also_under_autocast(network):
    image = torch.rand(1, 3, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = network.outputs(image)
        maps = network.maps(image)
    assert {value.dtype for value in outputs.values()} == {torch.float32}
    torch.testing.assert_close(maps, network.maps(image), atol=0.1, rtol=0.1)


def test_the_image_is_not_edited(network):
    image = torch.rand(1, 3, 32, 32)
    before = image.clone()
    network.outputs(image)
    assert torch.equal(image, before)


def test_arguments_are_plain(network):
    assert json.loads(json.dumps(network.arguments)) == network.arguments
    assert network.arguments["expert_outputs"] == [["mask"], ["distance"], ["boundary"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"expert_outputs": [["mask"], ["edges"], ["boundary"]]},
            r"\['mask', 'distance', 'boundary'\], got \['edges'\]",
        ),
        ({"expert_outputs": ["mask", "distance", "boundary"]}, "must be a list"),
        ({"gate": "attention"}, "unknown gate 'attention', must be one of"),
        ({"outputs": {"distance": 1}, "expert_outputs": [[], [], []]}, "outputs must have 'mask'"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)


def test_refuses_another_number_of_experts():
    with pytest.raises(ValueError, match="each of the 2 experts"):
        SemiMoE(SharedEncoder(pretrained=False, expert_count=2))


def test_refuses_grey_images(network):
    with pytest.raises(ValueError, match=r"\(b, 3, h, w\), got \[1, 1, 32, 32\]"):
        network(torch.rand(1, 1, 32, 32))
