import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.inferers import SimpleInferer
from torch import nn

from custom.checks import RequestError
from custom.inference import TileInferer
from custom.networks import AllOutputs, SemiMoE, SharedEncoder


class Recorder(nn.Module):
    """Gives the image back, two channels of it, and keeps what it saw and the sizes."""

    def __init__(self):
        super().__init__()
        self.given, self.sizes = [], []

    def maps(self, image):
        self.given.append(image.clone())
        self.sizes.append(tuple(image.shape[2:]))
        return image[:, :2] * 2 - 1


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = SemiMoE(SharedEncoder(pretrained=False, decoder_channels=(16, 16, 8, 8)))
    with torch.no_grad():
        network(torch.rand(4, 3, 64, 64))
    return network.eval()


def smooth(height, width):
    y, x = np.mgrid[:height, :width]
    planes = [np.sin(y / 15), np.cos(x / 20 + y / 40), (y + 2 * x) / (height + 2 * width)]
    return torch.from_numpy(np.stack(planes)[None]).float()


def test_same_resolution_is_not_resampled():
    recorder, image = Recorder(), torch.rand(2, 3, 40, 70)
    output = TileInferer(network_mpp=0.62, mpp=0.625)(image, recorder)  # 0.8 % apart
    torch.testing.assert_close(output, image[:, :2] * 2 - 1)
    assert set(recorder.sizes) == {(40, 70)}


@pytest.mark.parametrize(
    ("mpp", "size"),
    # 90 x 140 pixels: 0.5 / 1.0 halves them, 1.5 / 1.0 is 135 x 210, 1.05 is 94.5 -> 94 (to even) x 147
    [(0.5, (45, 70)), (1.5, (135, 210)), (1.05, (94, 147))],
)
def test_round_trip_of_a_non_square_image(mpp, size):
    recorder, image = Recorder(), smooth(90, 140)
    output = TileInferer(network_mpp=1.0, mpp=mpp)(image, recorder)
    assert recorder.sizes == [size]
    assert output.shape == (1, 2, 90, 140)
    assert (output - (image[:, :2] * 2 - 1))[..., 2:-2, 2:-2].abs().max() < 0.02


def test_shrinking_averages_what_it_drops():
    """A fine checkerboard becomes grey, not black or white."""
    y, x = np.mgrid[:64, :96]
    image = torch.from_numpy(((x + y) % 2)[None, None]).float().expand(1, 3, 64, 96)
    output = TileInferer(network_mpp=1.0, mpp=0.25)(image, Recorder())
    assert output[..., 4:-4, 4:-4].abs().max() < 0.05


def test_windows_never_exceed_the_image_and_agree_with_one_piece():
    image = torch.rand(1, 3, 100, 40)
    recorder = Recorder()
    output = TileInferer(1.0, 1.0, roi_px=64, overlap=0.5)(image, recorder)
    assert set(recorder.sizes) == {(64, 40)}
    torch.testing.assert_close(output, image[:, :2] * 2 - 1)


@pytest.mark.parametrize("mpp", [0.5, 1.0, 1.3])
def test_seen_is_what_the_network_is_given(mpp):
    recorder, image = Recorder(), torch.rand(2, 3, 90, 140)
    inferer = TileInferer(network_mpp=1.0, mpp=mpp, sw_batch_size=2)
    inferer(image, recorder)
    (given,) = recorder.given
    assert torch.equal(inferer.seen(image), given)
    assert torch.equal(given, image) == (mpp == 1.0)


def test_windows_and_views_are_cut_and_turned_out_of_what_is_seen():
    image = torch.rand(1, 3, 128, 192)
    recorder, inferer = Recorder(), TileInferer(network_mpp=1.0, mpp=0.5, roi_px=32, overlap=0.0)
    inferer(image, recorder)
    seen = inferer.seen(image)
    assert seen.shape == (1, 3, 64, 96)
    corners = [(row, column) for row in (0, 32) for column in (0, 32, 64)]
    windows = [seen[..., row : row + 32, column : column + 32] for row, column in corners]
    assert len(recorder.given) == len(windows)
    assert all(torch.equal(given, window) for given, window in zip(recorder.given, windows, strict=True))
    recorder, inferer = Recorder(), TileInferer(network_mpp=1.0, mpp=0.5, views=8)
    inferer(image, recorder)
    mirrored = [seen, seen.flip(-1)]
    turns = [torch.rot90(one, number, (-2, -1)) for one in mirrored for number in range(4)]
    for turn in turns:
        assert sum(given.shape == turn.shape and torch.equal(given, turn) for given in recorder.given) == 1
    assert len(recorder.given) == 8


def test_tiny_image(network):
    with torch.no_grad():
        assert TileInferer(1.0, 0.1)(torch.rand(1, 3, 3, 1), network).shape == (1, 5, 3, 1)


def turned(image, turns, mirror):
    image = torch.rot90(image, turns, (-2, -1))
    return image.flip(-1) if mirror else image


@torch.no_grad()
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_eight_views_turn_with_the_image(network, turns, mirror):
    image = torch.rand(1, 3, 72, 40)
    inferer = TileInferer(1.0, 1.0, roi_px=48, views=8)
    torch.testing.assert_close(
        inferer(turned(image, turns, mirror), network),
        turned(inferer(image, network), turns, mirror),
        atol=1e-4,
        rtol=1e-4,
    )


@torch.no_grad()
def test_two_views_mirror_with_the_image(network):
    image, inferer = torch.rand(1, 3, 72, 40), TileInferer(1.0, 1.0, views=2)
    both = inferer(image, network)
    torch.testing.assert_close(inferer(image.flip(-1), network), both.flip(-1), atol=1e-5, rtol=1e-4)
    expected = (network.maps(image) + network.maps(image.flip(-1)).flip(-1)) / 2
    torch.testing.assert_close(both, expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_one_view_is_the_network(network):
    image = torch.rand(2, 3, 50, 33)
    expected = network.maps(image)
    for one in (network, AllOutputs(network), torch.jit.script(network)):
        torch.testing.assert_close(TileInferer(1.0, 1.0)(image, one), expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_bfloat16_only_if_asked(network):
    image = torch.rand(1, 3, 64, 64)
    plain = TileInferer(1.0, 1.0)(image, network)
    fast = TileInferer(1.0, 1.0, amp=True)(image, network)
    assert plain.dtype == fast.dtype == torch.float32
    assert not torch.equal(plain, fast)
    torch.testing.assert_close(plain, fast, atol=0.1, rtol=0.1)


@torch.no_grad()
def test_metadata_comes_back(network):
    image = MetaTensor(torch.rand(1, 3, 40, 33), meta={"filename_or_obj": ["a.png"]})
    before = image.clone()
    output = TileInferer(1.0, 0.5)(image, network)
    assert isinstance(output, MetaTensor)
    assert output.meta["filename_or_obj"] == ["a.png"]
    assert output.shape == (1, 5, 40, 33)
    assert torch.equal(image, before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network_mpp": 0, "mpp": 1}, "network_mpp must be positive, got 0"),
        ({"network_mpp": 1, "mpp": 1, "views": 4}, r"one of \[1, 2, 8\], got 4"),
        ({"network_mpp": 1, "mpp": 1, "roi_px": 0}, "roi_px must be positive"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        TileInferer(**arguments)


@pytest.mark.parametrize("mpp", [0, -1, 250, float("nan"), (0, 5), None])
def test_refuses_a_size_that_no_microscope_gives(mpp):
    with pytest.raises(RequestError, match="--mpp: found"):
        TileInferer(network_mpp=1, mpp=mpp)


def test_refuses_a_network_without_maps():
    with pytest.raises(ValueError, match="`maps` or `several` is needed"):
        TileInferer(1.0, 1.0)(torch.rand(1, 3, 8, 8), nn.Conv2d(3, 2, 1))
    assert SimpleInferer()(torch.rand(1, 3, 8, 8), nn.Conv2d(3, 2, 1)).shape == (1, 2, 8, 8)
