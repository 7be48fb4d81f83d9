import pytest
import torch

from custom.networks.mixture import AverageGate, ChannelAttentionGate, ImageGate, PixelGate
from custom.networks.semi_moe.output_mixture import OUTPUT_GATES, OutputMixture


def head(convolution, weights, bias):
    with torch.no_grad():
        convolution.weight.copy_(torch.tensor(weights).view_as(convolution.weight))
        convolution.bias.fill_(bias)


def features(*values):
    """One image; each expert has two channels, constant over 3 x 4 pixels."""
    return torch.tensor(values).view(1, -1, 2, 1, 1).expand(1, -1, 2, 3, 4)


def test_the_mixture_and_each_expert_by_hand():
    """Experts say (1, 2) and (3, 6); on average (2, 4), of which the head makes 10 * 2 + 4 - 1 = 23.

    The own head of expert 1 makes 3 - 6 + 0.5 = -2.5 of what that one says by itself.
    """
    mixture = OutputMixture(channels=2, experts=2, outputs=1, owners=[1], gate="average")
    head(mixture.head, [10.0, 1.0], -1.0)
    head(mixture.own_heads[0], [1.0, -1.0], 0.5)
    given = features(1.0, 2.0, 3.0, 6.0)
    fused, weights = mixture(given, given.mean((3, 4), keepdim=True))
    torch.testing.assert_close(fused, torch.full((1, 1, 3, 4), 23.0))
    assert weights.tolist() == [[0.5, 0.5]]
    (own,) = mixture.own(list(given.unbind(1)))
    torch.testing.assert_close(own, torch.full((1, 1, 3, 4), -2.5))


def test_a_gate_that_pools_gets_the_mean_and_one_of_pixels_all():
    torch.manual_seed(0)
    given = torch.rand(2, 3, 4, 5, 6)
    pooled = given.mean((3, 4), keepdim=True)
    for gate in OUTPUT_GATES:
        mixture = OutputMixture(channels=4, experts=3, outputs=2, owners=[], gate=gate).eval()
        _, weights = mixture(given, pooled)
        torch.testing.assert_close(weights, mixture.gate(given))
        assert weights.shape == ((2, 3, 5, 6) if gate == "pixel" else (2, 3))


def test_each_name_is_its_gate():
    kinds = {"image": ImageGate, "pixel": PixelGate, "average": AverageGate, "paper": ChannelAttentionGate}
    assert set(kinds) == set(OUTPUT_GATES)
    for name, kind in kinds.items():
        assert type(OutputMixture(4, 3, 2, [], name).gate) is kind
    with pytest.raises(ValueError, match="unknown gate 'token', must be one of"):
        OutputMixture(4, 3, 2, [], "token")


def test_only_the_papers_heads_start_without_biases():
    torch.manual_seed(0)
    paper, ours = (OutputMixture(64, 3, 2, [0, 2], gate) for gate in ("paper", "image"))
    assert not any(one.bias.any() for one in (paper.head, *paper.own_heads))
    assert all(one.bias.any() for one in (ours.head, *ours.own_heads))
