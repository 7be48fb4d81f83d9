import torch
from monai.networks.nets import swin_unetr
from torch.nn import functional as F

from custom.networks.m4oe.patch_resampling import PatchExpanding, PatchMerging


@torch.no_grad()
def test_monais_own_says_the_same():
    torch.manual_seed(0)
    merging, theirs, x = PatchMerging(4), swin_unetr.PatchMerging(4, spatial_dims=2), torch.randn(2, 6, 4, 4)
    torch.nn.init.normal_(merging.norm.weight)  # so that the order of the four shows
    theirs.load_state_dict(merging.state_dict())
    torch.testing.assert_close(merging(x), theirs(x))


def test_a_new_token_sees_its_four_and_no_other():
    x = torch.randn(1, 4, 6, 4, requires_grad=True)
    PatchMerging(4)(x)[0, 1, 2].sum().backward()
    seen = x.grad[0].abs().sum(-1) > 0
    assert seen.nonzero().tolist() == [[2, 4], [2, 5], [3, 4], [3, 5]]


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
