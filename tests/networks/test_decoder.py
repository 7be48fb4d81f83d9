import pytest
import torch

from custom.networks.decoder import Decoder


def test_hand_worked_level():
    """One level that passes things through: channel 0 is what comes from below, channel 1 the skip."""
    decoder = Decoder(encoder_channels=(1, 1), channels=(2,)).eval()
    with torch.no_grad():
        decoder.projections[0].weight.fill_(1)
        convolution = decoder.levels[0][0].weight
        convolution.zero_()
        convolution[0, 0, 1, 1] = convolution[1, 1, 1, 1] = 1
        fine, coarse = torch.tensor([[[[1.0, 2], [3, 4]]]]), torch.tensor([[[[5.0]]]])
        output = decoder([fine, coarse], [])
    expected = torch.tensor([[[[5.0, 5], [5, 5]], [[1, 2], [3, 4]]]])
    torch.testing.assert_close(output, expected, atol=1e-4, rtol=0)


def test_levels_must_fit():
    with pytest.raises(ValueError, match="2 levels for an encoder of 3"):
        Decoder((16, 24, 40), (32, 16, 8))
