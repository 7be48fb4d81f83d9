import pytest
import torch

from custom.checks import RequestError
from custom.networks.mixture import ExpertMixture

SEES = {"ct": 3, "mr": 3, "us": 3}
MODALITY = torch.tensor([0, 0, 1, 2])
COUNTS = [2, 1, 1]


def make(sees=SEES, **arguments):
    torch.manual_seed(0)
    mixture = ExpertMixture(channels=8, hidden=16, sees=sees, **arguments)
    for gate in [module for name, module in mixture.named_modules() if name == "gate.scores"]:
        for row in gate.values():
            torch.nn.init.normal_(row.weight)  # so that the tokens disagree on the experts
    return mixture


def constant(mixture, values):
    """Each expert says one number, whatever it hears."""
    with torch.no_grad():
        for expert, value in zip(mixture.experts.values(), values, strict=True):
            expert.linear2.weight.zero_()
            expert.linear2.bias.fill_(value)


def count_tokens(mixture):
    given = dict.fromkeys(mixture.experts, 0)
    for name, expert in mixture.experts.items():

        def add(module, inputs, output, name=name):
            given[name] += inputs[0].shape[:-1].numel()

        expert.register_forward_hook(add)
    return given


def test_hand_worked_soft_mixture():
    """The gate says 1 : 3 for every token of MR (scores 0, preference log 3): 0.25 * 4 + 0.75 * 8 = 7."""
    mixture = ExpertMixture(8, 16, {"ct": 2, "mr": 2}, prior=torch.tensor(3.0).log().item())
    constant(mixture, [4.0, 8.0])
    mixed, weights, _ = mixture(torch.zeros(1, 2, 2, 8), torch.tensor([1]), [0, 1])
    torch.testing.assert_close(mixed, torch.full((1, 2, 2, 8), 7.0))
    torch.testing.assert_close(weights, torch.tensor([0.25, 0.75]).expand(1, 2, 2, 2))


@pytest.mark.parametrize(
    ("top_k", "expected"), [(1, 0.6 * 10.0), (2, (0.6 * 10 + 0.3 * 2) / 0.9), (3, 6.0 + 0.6 + 0.1)]
)
def test_hand_worked_top_k(top_k, expected):
    """The gate says 0.3, 0.6, 0.1, the experts 2, 10, 1; one choice keeps its weight, more are scaled to sum to one."""
    mixture = make(routing="top_k", top_k=top_k, prior=None)
    constant(mixture, [2.0, 10.0, 1.0])
    with torch.no_grad():
        for row, weight in zip(mixture.gate.scores.values(), (0.3, 0.6, 0.1), strict=True):
            row.bias.fill_(torch.tensor(weight).log().item())
        mixed, weights, _ = mixture(torch.zeros(1, 2, 2, 8), torch.tensor([0]), [1, 0, 0])
    torch.testing.assert_close(mixed, torch.full((1, 2, 2, 8), expected))
    torch.testing.assert_close(weights, torch.tensor([0.3, 0.6, 0.1]).expand(1, 2, 2, 3))  # before the choice


@pytest.mark.parametrize("top_k", [1, 2])
def test_top_k_computes_only_the_chosen(top_k):
    mixture, tokens = make(routing="top_k", top_k=top_k), torch.randn(4, 5, 6, 8)
    given = count_tokens(mixture)
    _, weights, _ = mixture(tokens, MODALITY, COUNTS)
    chosen = torch.zeros_like(weights).scatter(-1, weights.topk(top_k).indices, 1.0)
    assert list(given.values()) == chosen.sum((0, 1, 2)).tolist()
    assert sum(given.values()) == top_k * 4 * 5 * 6
    assert min(given.values()) > 0


@pytest.mark.parametrize("top_k", [1, 2, 3, 5])
def test_top_k_is_soft_restricted_to_the_chosen(top_k):
    """An oracle that computes every expert at every token, and then chooses."""
    mixture, tokens = make(routing="top_k", top_k=top_k), torch.randn(4, 5, 6, 8)
    mixed, weights, _ = mixture(tokens, MODALITY, COUNTS)
    said = torch.stack([expert(tokens) for expert in mixture.experts.values()], -1)
    rank = (weights.unsqueeze(-1) < weights.unsqueeze(-2)).sum(-1)  # how many experts have more
    kept = weights * (rank < top_k)
    if top_k > 1:
        kept = kept / kept.sum(-1, keepdim=True)
    torch.testing.assert_close(mixed, (said * kept.unsqueeze(-2)).sum(-1))


def test_an_expert_that_nobody_chooses_is_not_computed():
    mixture = make(routing="top_k")
    with torch.no_grad():
        mixture.gate.scores["us"].bias.fill_(-100.0)
    given = count_tokens(mixture)
    mixture(torch.randn(4, 5, 6, 8), MODALITY, COUNTS)[0].sum().backward()
    assert given["us"] == 0
    for name, expert in mixture.experts.items():
        for parameter in expert.parameters():
            assert (parameter.grad is None) == (name == "us")


def test_by_modality_only_the_own_expert_hears_an_image():
    mixture, tokens = make(routing="modality"), torch.randn(4, 5, 6, 8)
    given = count_tokens(mixture)
    mixed, weights, router_z = mixture(tokens, MODALITY, COUNTS)
    assert given == {"ct": 2 * 30, "mr": 30, "us": 30}
    assert weights.numel() == 0
    assert router_z == 0
    for image, name in enumerate(("ct", "ct", "mr", "us")):
        torch.testing.assert_close(mixed[image], mixture.experts[name](tokens[image]))


def test_only_the_own_expert_learns_by_modality():
    mixture = make(routing="modality")
    mixture(torch.randn(2, 4, 4, 8), torch.tensor([1, 1]), [0, 2, 0])[0].sum().backward()
    for name, parameter in mixture.named_parameters():
        assert (parameter.grad is not None) == name.startswith("experts.mr."), name


@pytest.mark.parametrize("routing", ["soft", "top_k"])
def test_hard_is_by_modality_whatever_the_routing(routing):
    mixture, tokens = make(routing=routing), torch.randn(4, 5, 6, 8)
    mixed, weights, _ = mixture(tokens, MODALITY, COUNTS, hard=True)
    torch.testing.assert_close(mixed[2], mixture.experts["mr"](tokens[2]))
    assert weights.numel() == 0


@pytest.mark.parametrize("arguments", [{}, {"routing": "top_k"}, {"routing": "top_k", "top_k": 2}, {"gate": "average"}])
def test_a_batch_is_one_by_one(arguments):
    mixture, tokens = make({"ct": 2, "mr": 2, "us": 3}, **arguments), torch.randn(4, 5, 6, 8)
    mixed, weights, _ = mixture(tokens, MODALITY, COUNTS)
    for image, own in enumerate(MODALITY.tolist()):
        counts = [int(own == expert) for expert in range(3)]
        alone, its, _ = mixture(tokens[image : image + 1], MODALITY[image : image + 1], counts)
        torch.testing.assert_close(mixed[image : image + 1], alone)
        torch.testing.assert_close(weights[image : image + 1], its)


@pytest.mark.parametrize("routing", ["soft", "top_k"])
def test_what_no_image_sees_is_not_computed_and_weighs_nothing(routing):
    mixture = make({"ct": 1, "mr": 2, "us": 3}, routing=routing, top_k=3)
    given = count_tokens(mixture)
    _, weights, _ = mixture(torch.randn(2, 4, 4, 8), torch.tensor([0, 1]), [1, 1, 0])
    assert given["us"] == 0
    assert weights.shape == (2, 4, 4, 3)
    assert (weights[..., 2] == 0).all()


def test_the_gate_learns_through_a_single_choice():
    mixture = make(routing="top_k")
    mixture(torch.randn(4, 5, 6, 8), MODALITY, COUNTS)[0].square().sum().backward()
    for parameter in mixture.parameters():
        assert parameter.grad.any()


@pytest.mark.parametrize(
    "arguments",
    [{}, {"routing": "top_k", "top_k": 2}, {"routing": "modality"}, {"gate": "channel"}, {"gate": "average"}],
)
def test_scripts(arguments):
    mixture, tokens = make(**arguments), torch.randn(4, 5, 6, 8)
    for ours, scripted in zip(
        mixture(tokens, MODALITY, COUNTS), torch.jit.script(mixture)(tokens, MODALITY, COUNTS), strict=True
    ):
        torch.testing.assert_close(ours, scripted)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"routing": "hard"}, "found routing 'hard'"),
        ({"gate": "pixel"}, "and gate 'pixel'"),
        ({"routing": "top_k", "top_k": 0}, "top_k >= 1"),
        ({"routing": "top_k", "gate": "average"}, "the gate 'token', found 1 and 'average'"),
        ({"sees": {"ct": 1, "mr": 2}, "gate": "channel"}, "can hide none"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(RequestError, match=message):
        make(**arguments)
