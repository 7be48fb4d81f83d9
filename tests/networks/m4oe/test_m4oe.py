import itertools
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from custom.checks import RequestError
from custom.networks import AllOutputs, M4oE, weights
from custom.networks.mixture import ExpertMixture


def task(head, modality, labels):
    return {"head": head, "modality": modality, "labels": {str(one): f"organ {one}" for one in range(1, labels + 1)}}


# Two data sets of one modality, one data set in two modalities: five tasks, four heads, three experts.
TASKS = {
    "btcv": task("btcv", "ct", 6),
    "acdc": task("acdc", "mr", 3),
    "liver": task("liver", "ct", 2),
    "amos_mr": task("amos", "mr", 4),
    "amos_us": task("amos", "us", 4),
}
WAYS = {
    "soft": {},
    "top_k": {"routing": "top_k"},
    "top_2": {"routing": "top_k", "top_k": 2},
    "modality": {"routing": "modality"},
    "shared": {"routing": "shared"},
    "average": {"gate": "average"},
    "channel": {"gate": "channel"},
    "patch": {"stem": "patch"},
    # In the order of the others: TorchScript takes two networks for one type if only the order of their parts differs.
    "joined": {"modalities": [["ct"], ["mr"], ["us"]]},
}


def make(tasks=TASKS, **arguments):
    """Small, with tokens that disagree on the experts, and batch statistics of its own."""
    torch.manual_seed(0)
    network = M4oE(tasks, **{"embed": 12, "depths": (2, 1), "heads": (2, 2), "window": 3, **arguments})
    for parameter in network.parameters():
        if parameter.dim() < 3:
            torch.nn.init.normal_(parameter, mean=float(parameter.dim() == 1), std=0.15)
    counts = [2, 2, 2]
    with torch.no_grad():
        network.stem.finish(*network.stem(torch.randn(6, 3, 64, 64), counts), counts)
    return network.eval()


@pytest.fixture(scope="module", params=WAYS)
def network(request):
    return make(**WAYS[request.param])


@torch.no_grad()
def test_shapes_of_all_outputs(network):
    outputs = network.outputs(torch.rand(3, 3, 50, 70), torch.tensor([1, 0, 4]))
    stride, rows, columns = (16, 64, 96) if network.stem.stride == 16 else (4, 56, 72)
    sizes = {"encoder0_0": 1, "encoder0_1": 1, "encoder1_0": 2, "decoder0_0": 1, "decoder0_1": 1}
    size = {layer: (rows // stride // by, columns // stride // by) for layer, by in sizes.items()}
    gates = {f"{layer}_gate": (3, 3, *size[layer]) for layer in sizes}
    if network.arguments["routing"] in ("modality", "shared") or network.arguments["gate"] == "channel":
        gates = {}  # there no expert has a weight
    assert {key: tuple(value.shape) for key, value in outputs.items()} == {
        "logits": (3, 7, 50, 70),
        **gates,
        "router_z": (),
    }
    for name in gates:
        torch.testing.assert_close(outputs[name].sum(1), torch.ones(3, *outputs[name].shape[2:]))


@torch.no_grad()
def test_a_batch_that_mixes_tasks_is_one_by_one(network):
    images, numbers = torch.rand(5, 3, 40, 24), [3, 0, 4, 1, 2]
    together = network.outputs(images, torch.tensor(numbers))
    for image, number in enumerate(numbers):
        alone = network.outputs(images[image : image + 1], torch.tensor([number]))
        classes = alone["logits"].shape[1]
        assert classes == len(TASKS[list(TASKS)[number]]["labels"]) + 1
        torch.testing.assert_close(together["logits"][image, :classes], alone["logits"][0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(network(images[image : image + 1], number), alone["logits"], atol=1e-4, rtol=1e-4)
        assert (together["logits"][image].softmax(0)[classes:] == 0).all()
        for name in alone:
            if name.endswith("_gate"):
                torch.testing.assert_close(together[name][image], alone[name][0], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_several_tasks_in_one_pass_are_each_alone(network):
    image = torch.rand(2, 3, 40, 24)
    for one, two in itertools.permutations((0, 2)):
        for found, number in zip(network.several(image, [one, two]), (one, two), strict=True):
            torch.testing.assert_close(found, network(image, number))


@pytest.mark.parametrize("way", ["soft", "top_2", "modality", "shared", "patch", "joined"])
@torch.no_grad()
def test_scripted_it_says_the_same(way):
    network = make(**WAYS[way])
    scripted, image, numbers = torch.jit.script(network), torch.rand(3, 3, 50, 70), torch.tensor([1, 0, 4])
    for _ in range(3):  # TorchScript optimises after it has seen some calls
        torch.testing.assert_close(scripted(image, 2), network(image, 2))
        torch.testing.assert_close(scripted.several(image, [2, 0]), network.several(image, [2, 0]))
        found, expected = scripted.outputs(image, numbers), network.outputs(image, numbers)
        assert list(found) == list(expected)
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value)


@pytest.mark.parametrize("name", ["soft", "patch"])
@torch.no_grad()
def test_any_size_is_padded_with_zeros_and_cropped(name):
    network = make(**WAYS[name])

    @settings(max_examples=10, deadline=None)
    @given(height=st.integers(1, 70), width=st.integers(1, 70))
    def check(height, width):
        image = torch.rand(1, 3, height, width)
        logits = network(image, 1)
        assert logits.shape == (1, 4, height, width)
        wide = np.pad(image.numpy(), ((0, 0), (0, 0), (0, -height % network.multiple), (0, -width % network.multiple)))
        assert torch.equal(logits, network(torch.from_numpy(wide), 1)[..., :height, :width])

    check()


@pytest.mark.parametrize(("stem", "depths", "multiple"), [("efficientnet-lite0", 2, 32), ("patch", 4, 32)])
def test_the_multiple_is_that_of_the_coarsest_tokens(stem, depths, multiple):
    network = M4oE(TASKS, stem=stem, embed=4, depths=[1] * depths, heads=[1] * depths)
    assert network.multiple == multiple


@torch.no_grad()
def test_finite_where_there_is_nothing_to_see(network):
    outputs = network.outputs(torch.zeros(2, 3, 40, 24), torch.tensor([0, 1]))
    assert all(value.isfinite().all() for value in outputs.values())


def test_finite_gradients_where_there_is_nothing_to_see(network):
    network.zero_grad()
    outputs = network.outputs(torch.zeros(2, 3, 32, 32), torch.tensor([0, 1]))
    (outputs["logits"][:, :4].square().mean() + outputs["router_z"]).backward()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


def test_float32_logits_under_autocast(network):
    image, numbers = torch.rand(2, 3, 40, 24), torch.tensor([0, 1])
    with torch.autocast("cpu", torch.bfloat16):
        outputs = network.outputs(image, numbers)
    assert {value.dtype for value in outputs.values()} == {torch.float32}
    assert all(value.isfinite().all() for value in outputs.values())
    outputs["logits"][:, :4].mean().backward()
    exact = network.outputs(image, numbers)["logits"]
    error = (outputs["logits"] - exact)[:, :4].norm() / exact[:, :4].norm()
    assert error < (0.5 if "top" in network.arguments["routing"] else 0.1)  # a token may choose another expert


def experts_that_learn(network, numbers):
    network.zero_grad()
    network.outputs(torch.rand(len(numbers), 3, 32, 32), torch.tensor(numbers))["logits"][
        :, :3
    ].square().mean().backward()
    mixtures = [module for module in network.modules() if isinstance(module, ExpertMixture)]
    assert len(mixtures) == 5
    learn = [
        {name for name, expert in mixture.experts.items() if expert.linear1.weight.grad is not None}
        for mixture in mixtures
    ]
    assert all(some == learn[0] for some in learn)
    heads = {name for name, head in network.heads.heads.items() if head.weight.grad.any()}
    return learn[0], heads


def test_a_sample_teaches_the_experts_that_it_sees_and_its_own_head():
    assert experts_that_learn(make(routing="modality"), [1, 3]) == ({"mr"}, {"acdc", "amos"})
    assert experts_that_learn(make(routing="modality"), [0, 4]) == ({"ct", "us"}, {"btcv", "amos"})
    assert experts_that_learn(make(), [1]) == ({"ct", "mr", "us"}, {"acdc"})
    joined = make(modalities=[["ct"], ["mr"], ["us"]])
    assert experts_that_learn(joined, [0, 2]) == ({"ct"}, {"btcv", "liver"})
    assert experts_that_learn(joined, [0, 1]) == ({"ct", "mr"}, {"btcv", "acdc"})


def test_the_order_of_the_data_sets_makes_no_other_network():
    torch.manual_seed(0)
    one = M4oE(TASKS, embed=12, depths=(1,), heads=(1,))
    torch.manual_seed(0)
    other = M4oE(dict(reversed(TASKS.items())), embed=12, depths=(1,), heads=(1,))
    assert one.expert_names == other.expert_names == ["ct", "mr", "us"]
    other.load_state_dict(one.state_dict())
    image = torch.rand(1, 3, 16, 16)
    assert torch.equal(one.eval()(image, 1), other.eval()(image, 3))  # acdc


def test_a_checkpoint_makes_the_same_network_again(network, tmp_path):
    weights.save(tmp_path / "model.pt", AllOutputs(network), {"tasks": TASKS})
    arguments = weights.read(tmp_path / "model.pt", "organ")["network"]
    assert json.loads(json.dumps(arguments)) == arguments == network.arguments
    again = M4oE(**arguments).eval()
    assert weights.load(tmp_path / "model.pt", again) == {"tasks": TASKS}
    assert again.task_names == list(TASKS)
    image = torch.rand(1, 3, 40, 24)
    assert torch.equal(again(image, 3), network(image, 3))


def test_a_checkpoint_of_another_network_says_what_differs(tmp_path):
    weights.save(tmp_path / "model.pt", make(), {})
    with pytest.raises(RequestError, match=r"routing soft \(wanted top_k\); tasks\.btcv\.labels\.6 organ 6 \(wanted"):
        weights.load(tmp_path / "model.pt", make({**TASKS, "btcv": task("btcv", "ct", 5)}, routing="top_k"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n: n(torch.rand(1, 3, 8, 8), 5), "from 0 to 4, got 5"),
        (lambda n: n(torch.rand(1, 3, 8, 8), -1), "from 0 to 4, got -1"),
        (lambda n: n.several(torch.rand(1, 3, 8, 8), [0, 1]), "one modality"),
        (lambda n: n.several(torch.rand(1, 3, 8, 8), []), "one modality"),
        (lambda n: n.outputs(torch.rand(2, 3, 8, 8), torch.tensor([0])), r"= \[2\], got \[1\]"),
        (lambda n: n.outputs(torch.rand(2, 3, 8, 8), torch.tensor([0, 5])), r"got \[0, 5\]"),
        (lambda n: n(torch.rand(1, 1, 8, 8)), r"\(b, 3, h, w\), got \[1, 1, 8, 8\]"),
    ],
)
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(make())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"routing": "topk"}, "found routing 'topk', wanted one of soft, top_k, modality, shared"),
        ({"gate": "chanel"}, "gate 'chanel'"),
        ({"routing": "top_k", "gate": "average"}, "wants top_k >= 1 and the gate 'token'"),
    ],
)
def test_what_a_user_may_mistype_is_told_in_one_line(options, message):
    with pytest.raises(RequestError, match=message):
        make(**options)


def test_parameters_at_the_papers_sizes():
    """FLARE22 (CT), ATLAS (contrast-enhanced MR), AMOS (MR): 14, 3 and 16 classes; three experts; 14 blocks.

    With C = 96, and C x (1, 2, 4, 8) in the encoder's stages, C x (4, 2, 1) in the decoder's, two blocks each:
    sums over the 14 blocks  Σc = 2 (15 + 7) C = 4224,  Σc² = 2 (85 + 21) C² = 1953792,  heads Σk = 2 (45 + 21) = 132.

    experts     3 (8 Σc² + 5 Σc)             = 46,954,368   c -> 4c -> c with biases
    attention   4 Σc² + 4 Σc + 13² Σk        =  7,854,372   qkv, proj, the bias of 13 x 13 offsets
    norms       4 Σc                         =     16,896   two a block
    patches     48 C + C + 2 C               =      4,896   4 x 4 x 3 pixels, norm
    merging     8 (1 + 4 + 16) C² + 8 (1 + 2 + 4) C        =  1,553,664   4c -> 2c, norm of 4c
    expanding   8 (16 + 4 + 1) C² + 2 (4 + 2 + 1) C        =  1,549,632   2c -> 4c, norm of c, for c = 4C, 2C, C
    joining     2 (16 + 4 + 1) C² + (4 + 2 + 1) C          =    387,744   2c -> c
    norms       16 C + 2 C                   =      1,728   at the bottom and the end
    to pixels   16 C² + 2 C                  =    147,648
    heads       33 C + 33                    =      3,201
    without a gate                             58,474,149

    The paper's gate, c -> 3:        3 Σc + 3 · 14 =    12,714   in all 58,486,863
    With our preferences, 3 x 3:           9 · 14 =        126   in all 58,486,989
    The release's gate, c -> c:          Σc² + Σc = 1,958,016   in all 60,432,165, which are its 60.43 M, where
    heads have no biases (33 fewer). So what the gates that choose save is the difference.
    One MLP for all: two experts fewer, 58,474,149 - 2 · 15,651,456 = 27,171,237: Swin-Unet's 27.17 M.
    """
    tasks = {"flare22": task("flare22", "ct", 13), "atlas": task("atlas", "cemr", 2), "amos": task("amos", "mr", 15)}
    sizes = {"stem": "patch", "embed": 96, "depths": (2, 2, 2, 2), "heads": (3, 6, 12, 24), "window": 7}
    with torch.device("meta"):
        counts = {
            name: sum(parameter.numel() for parameter in M4oE(tasks, **sizes, **arguments).parameters())
            for name, arguments in {
                "paper": {"prior": None},
                "default": {},
                "release": {"gate": "channel"},
                "modality": {"routing": "modality"},
                "shared": {"routing": "shared"},
            }.items()
        }
    assert counts == {
        "paper": 58_486_863,
        "default": 58_486_989,
        "release": 60_432_165,
        "modality": 58_474_149,
        "shared": 27_171_237,
    }
    assert (counts["release"] - 33) / 1e6 == pytest.approx(60.43, abs=0.005)
