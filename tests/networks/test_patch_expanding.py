import torch
from torch.nn import functional as F

from custom.networks.m4oe.patch_expanding import PatchExpanding


def test_hand_worked_order():
    """One token that says 1, 2, 3, 4 becomes the rows 1 2 and 3 4."""
    expanding = PatchExpanding(channels=4, outputs=1)
    expanding.norm = torch.nn.Identity()
    with torch.no_grad():
        expanding.expand.weight.copy_(torch.eye(4))
        expanded = expanding(torch.tensor([1.0, 2, 3, 4]).view(1, 1, 1, 4))
    assert expanded[0, :, :, 0].tolist() == [[1, 2], [3, 4]]


@torch.no_grad()
def test_it_is_a_pixel_shuffle():
    expanding, x = PatchExpanding(channels=6, outputs=3, factor=4), torch.randn(2, 3, 5, 6)
    # torch's shuffle wants (channel, row, column) where ours gives (row, column, channel)
    shuffled = expanding.expand(x).view(2, 3, 5, 16, 3).transpose(3, 4).flatten(3).permute(0, 3, 1, 2)
    expected = expanding.norm(F.pixel_shuffle(shuffled, 4).permute(0, 2, 3, 1))
    torch.testing.assert_close(expanding(x), expected)
