import pytest
import torch
from monai.networks.nets import swin_unetr

from custom.networks.m4oe.swin_block import SwinBlock
from custom.networks.mixture import ExpertMixture


def make(shift, drop_path=0.0, experts=("ct",)):
    torch.manual_seed(0)
    mixture = ExpertMixture(8, 32, dict.fromkeys(experts, len(experts)))
    return SwinBlock(8, heads=2, window=4, shift=shift, drop_path=drop_path, mixture=mixture)


@pytest.mark.parametrize("shift", [0, 2])
@torch.no_grad()
def test_with_one_expert_it_is_monais_block(shift):
    block, x = make(shift), torch.randn(2, 8, 12, 8)
    theirs = swin_unetr.SwinTransformerBlock(8, 2, (4, 4), (shift, shift))
    names = {
        "attn.": "attention.",
        "mlp.": "mixture.experts.ct.",
        "relative_position_bias_table": "relative_position_bias",
    }
    state = {}
    for name, value in theirs.state_dict().items():
        ours = name
        for old, new in names.items():
            ours = ours.replace(old, new)
        state[name] = block.state_dict().get(ours, value)  # MONAI keeps its index as a buffer
    theirs.load_state_dict(state)
    mask = swin_unetr.compute_mask([8, 12], (4, 4), (shift, shift), "cpu") if shift else None
    mixed, weights, _ = block(x, torch.zeros(2, dtype=torch.long), [2], False)
    torch.testing.assert_close(mixed, theirs(x, mask))
    assert (weights == 1).all()


def test_images_skip_branches_only_in_training():
    """At one half, a branch is skipped or counts double: x + 2 a or x, then twice what the experts say or nothing."""
    block, x = make(0, drop_path=0.5), torch.randn(64, 4, 4, 8)
    modality = torch.zeros(64, dtype=torch.long)
    with torch.no_grad():
        output = block.train()(x, modality, [64], False)[0]
        possible = []
        for attended in (x, x + 2 * block.attention(block.norm1(x))):
            mixed = block.mixture(block.norm2(attended), modality, [64])[0]
            possible += [attended, attended + 2 * mixed]
        hits = torch.stack([(output - one).abs().amax((1, 2, 3)) < 1e-5 for one in possible])
        assert hits.any(0).all()
        assert (hits.sum(1) > 4).all()  # 64 images, 16 of each kind on average
        block.eval()
        assert torch.equal(block(x, modality, [64], False)[0], block(x, modality, [64], False)[0])


def test_hard_goes_to_the_own_expert():
    block, x = make(0, experts=("ct", "mr")), torch.randn(1, 4, 4, 8)
    block(x, torch.tensor([1]), [0, 1], True)[0].sum().backward()
    assert block.mixture.experts["ct"].linear1.weight.grad is None
    assert block.mixture.experts["mr"].linear1.weight.grad.any()
