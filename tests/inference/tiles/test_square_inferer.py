import pytest
import torch
from monai.data import MetaTensor
from torch import nn

from custom.inference import SquareInferer
from custom.networks import AllOutputs, SemiMoE, SharedEncoder


class Recorder(nn.Module):
    """Gives two channels of the image back, and keeps what it was given."""

    def __init__(self):
        super().__init__()
        self.given = []

    def maps(self, image):
        self.given.append(image.clone())
        return image[:, :2]


@pytest.mark.parametrize("size", [(40, 70), (70, 40), (24, 24), (5, 3), (1, 90)])
def test_the_network_sees_squares_and_the_output_has_the_images_size(size):
    recorder, image = Recorder(), torch.rand(2, 3, *size)
    inferer = SquareInferer(side_px=24)
    output = inferer(image, recorder)
    assert [tuple(given.shape) for given in recorder.given] == [(2, 3, 24, 24)]
    assert torch.equal(recorder.given[0], inferer.seen(image))
    assert output.shape == (2, 2, *size)
    assert output.dtype == torch.float32


def test_by_hand():
    """Four rows become two by their means, and two become four by lines between the centres, flat at the ends.

    Rows 0, 0.2, 0.6, 1.0 have the means 0.1 and 0.8. Centres of four rows lie at -0.25, 0.25, 0.75, 1.25 of the two:
    0.1, 0.75 * 0.1 + 0.25 * 0.8 = 0.275, 0.25 * 0.1 + 0.75 * 0.8 = 0.625, 0.8. The columns are two, as they were.
    """
    rows = torch.tensor([0.0, 0.2, 0.6, 1.0]).view(1, 1, 4, 1)
    image = (rows * torch.tensor([1.0, 0.5])).expand(1, 3, 4, 2)
    recorder = Recorder()
    output = SquareInferer(side_px=2)(image, recorder)
    torch.testing.assert_close(recorder.given[0][0, 0], torch.tensor([[0.1, 0.05], [0.8, 0.4]]))
    wanted = torch.tensor([0.1, 0.275, 0.625, 0.8])
    torch.testing.assert_close(output[0, 1], torch.stack([wanted, wanted / 2], 1))


@torch.no_grad()
def test_a_square_of_its_own_size_goes_through_as_it_is():
    torch.manual_seed(0)
    network = SemiMoE(SharedEncoder(pretrained=False, decoder_channels=(16, 16, 8, 8))).eval()
    image = torch.rand(2, 3, 48, 48)
    expected = network.maps(image)
    for one in (network, AllOutputs(network)):
        torch.testing.assert_close(SquareInferer(side_px=48)(image, one), expected)


def test_metadata_comes_back_and_the_input_stays():
    image = MetaTensor(torch.rand(1, 3, 40, 33), meta={"filename_or_obj": ["a.png"]})
    before, recorder = image.clone(), Recorder()
    output = SquareInferer(side_px=16)(image, recorder)
    assert isinstance(output, MetaTensor)
    assert output.meta["filename_or_obj"] == ["a.png"]
    assert output.shape == (1, 2, 40, 33)
    assert not isinstance(recorder.given[0], MetaTensor)
    assert torch.equal(image, before)
    assert not isinstance(SquareInferer(side_px=16)(torch.rand(1, 3, 40, 33), recorder), MetaTensor)


@pytest.mark.parametrize("training", [True, False])
def test_the_networks_mode_is_left_as_it_is(training):
    recorder = Recorder().train(training)
    SquareInferer(side_px=16)(torch.rand(1, 3, 20, 30), AllOutputs(recorder).train(training))
    assert recorder.training is training


def test_bfloat16_only_if_asked():
    class Kind(nn.Module):
        def maps(self, image):
            self.kind = torch.mm(image[0, 0], image[0, 0].T).dtype
            return image.to(self.kind)

    for amp, kind in ((False, torch.float32), (True, torch.bfloat16)):
        network = Kind()
        output = SquareInferer(side_px=16, amp=amp)(torch.rand(1, 3, 20, 30), network)
        assert (network.kind, output.dtype) == (kind, torch.float32)


def test_refuses_a_network_without_maps():
    with pytest.raises(ValueError, match="`maps` or `several` is needed"):
        SquareInferer()(torch.rand(1, 3, 8, 8), nn.Conv2d(3, 2, 1))
