import math

import numpy as np
import pytest
import torch

from custom.networks import SemiMoE, SharedEncoder
from custom.targets import maps

# Logits of background and gland: gland by log 3, none by log 9, equal.
LOGITS = [[0.5, 1.0, 2.0], [0.5 + math.log(3), 1.0 - math.log(9), 2.0]]


def drawn(kind=np.float32):
    """Maps (5, 1, 3): the logits above, any distance, logits of no border and border 2 against 2 - log 4 and so on."""
    values = np.zeros((maps.CHANNELS, 1, 3), kind)
    values[[maps.BACKGROUND, maps.GLAND], 0] = LOGITS
    values[maps.DISTANCE] = 0.25
    values[maps.NO_BORDER, 0] = 2.0, 0.0, -1.0
    values[maps.BORDER, 0] = 2.0 - math.log(4), math.log(4), -1.0
    return values


def test_gland_is_where_the_probability_is_above_one_half():
    found = maps.gland_mask(drawn())
    assert found.tolist() == [[True, False, False]]
    assert found.dtype == np.bool_
    assert np.array_equal(found, maps.gland_probability(drawn()) > 0.5)


def test_tensors_give_tensors():
    found = maps.gland_mask(torch.from_numpy(drawn()))
    assert found.dtype == torch.bool
    assert found.tolist() == [[True, False, False]]


def test_probability_of_gland_by_hand():
    found = maps.gland_probability(drawn())
    assert found.shape == (1, 3)
    assert found[0].tolist() == pytest.approx([3 / 4, 1 / 10, 1 / 2], abs=1e-6)


def test_probability_of_no_border_by_hand():
    found = maps.no_border_probability(drawn())
    assert found[0].tolist() == pytest.approx([4 / 5, 1 / 5, 1 / 2], abs=1e-6)


@pytest.mark.parametrize("probability", [maps.gland_probability, maps.no_border_probability])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_probabilities_are_float32(probability, kind):
    assert probability(drawn(kind)).dtype == np.float32


@pytest.mark.parametrize("probability", [maps.gland_probability, maps.no_border_probability])
def test_sure_logits_do_not_overflow(probability):
    values = np.zeros((maps.CHANNELS, 1, 2), np.float32)
    values[[maps.GLAND, maps.NO_BORDER], 0] = 1000.0, -1000.0
    assert probability(values).tolist() == [[1.0, 0.0]]


def test_two_channels_are_enough_for_the_mask():
    assert maps.gland_mask(drawn()[:2]).tolist() == [[True, False, False]]
    assert np.array_equal(maps.gland_probability(drawn()[:2]), maps.gland_probability(drawn()))


@torch.no_grad()
def test_the_channels_are_those_of_the_network():
    torch.manual_seed(0)
    network = SemiMoE(SharedEncoder(pretrained=False, decoder_channels=(16, 16, 8, 8))).eval()
    image = torch.rand(1, 3, 32, 32)
    found, outputs = network.maps(image), network.outputs(image)
    assert found.shape[1] == maps.CHANNELS
    for channel, output in {
        maps.BACKGROUND: outputs["mask"][:, 0],
        maps.GLAND: outputs["mask"][:, 1],
        maps.DISTANCE: outputs["distance"][:, 0],
        maps.NO_BORDER: outputs["boundary"][:, 0],
        maps.BORDER: outputs["boundary"][:, 1],
    }.items():
        torch.testing.assert_close(found[:, channel], output)
