import torch
from monai.networks.nets import swin_unetr

from custom.networks.m4oe.patch_merging import PatchMerging


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
