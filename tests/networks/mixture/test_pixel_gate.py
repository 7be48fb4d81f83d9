import torch

from custom.networks.mixture import PixelGate


def test_a_pixel_sees_only_itself():
    torch.manual_seed(0)
    gate, features = PixelGate(4, 2, 8), torch.rand(1, 2, 4, 5, 6)
    other = features.clone()
    other[..., 2, 3] = -7
    changed = (gate(features) != gate(other)).any(1)[0]
    assert changed.nonzero().tolist() == [[2, 3]]
