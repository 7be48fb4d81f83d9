"""What 0.1.0 wrote is read in present words, and says what 0.1.0 said."""

import tarfile

import pytest
import torch

from custom.checks import RequestError
from custom.networks import M4oE, SemiMoE, SharedEncoder, weights
from custom.networks.old_words import present_arguments, present_recipe

OUTPUTS = {"mask": 2, "distance": 1, "boundary": 2}
TASKS = {"btcv": {"head": "btcv", "modality": "ct", "labels": {"1": "spleen"}}}
OLD_GLAND = {
    "features": {"type": "SharedEncoder", "name": "efficientnet-lite0", "experts": 3, "decoder_channels": [8, 8, 8, 8]},
    "tasks": OUTPUTS,
    "experts": [["mask"], ["distance"], ["boundary"]],
    "gate": "image",
}
GLAND = {
    "features": {
        "type": "SharedEncoder", "name": "efficientnet-lite0", "expert_count": 3, "decoder_channels": [8, 8, 8, 8]
    },
    "outputs": OUTPUTS,
    "expert_outputs": [["mask"], ["distance"], ["boundary"]],
    "gate": "image",
}  # fmt: skip
OLD_ORGAN = {"tasks": TASKS, "experts": [["ct"], ["mr"]], "stem": "patch", "gate": "token", "prior": None}
ORGAN = {"tasks": TASKS, "modalities": [["ct"], ["mr"]], "stem": "patch", "gate": "token", "prior": None}


def test_recipes():
    assert present_recipe("multimodal") == "organ"
    assert [present_recipe(name) for name in ("gland", "organ", "another")] == ["gland", "organ", "another"]


@pytest.mark.parametrize(("old", "present"), [(OLD_GLAND, GLAND), (OLD_ORGAN, ORGAN)])
def test_arguments_become_the_present_ones_and_those_stay(old, present):
    assert present_arguments(old) == present
    assert list(present_arguments(old)) == list(present)
    assert present_arguments(present) == present


def test_what_is_given_is_not_changed():
    before = {**OLD_GLAND, "features": dict(OLD_GLAND["features"])}
    present_arguments(before)
    assert before == OLD_GLAND


def test_an_organ_networks_tasks_are_no_outputs():
    """`tasks` is an old word of the gland recipe and a present one of the other."""
    assert "outputs" in present_arguments(OLD_GLAND)
    assert present_arguments(OLD_ORGAN)["tasks"] == TASKS


@pytest.mark.parametrize("network", ["gland", "organ"])
def test_present_networks_speak_present_words(network):
    made = SemiMoE(SharedEncoder(pretrained=False)) if network == "gland" else M4oE(TASKS, embed=4, depths=(), heads=())
    assert present_arguments(made.arguments) == made.arguments
    assert present_recipe(made.recipe) == made.recipe == network


@pytest.fixture(scope="module")
def left(repository, tmp_path_factory):
    """The weights that 0.1.0 left, by recipe."""
    paths = {}
    for recipe in ("gland", "organ"):
        folder = tmp_path_factory.mktemp(recipe)
        with tarfile.open(repository / "tests" / "fixtures" / f"0.1.0_{recipe}.tar.xz") as archive:
            archive.extract("run/last.pt", folder, filter="data")
        paths[recipe] = folder / "run" / "last.pt"
    return paths


def make(arguments):
    """The network of a checkpoint's arguments, with weights of its own."""
    torch.manual_seed(0)
    if "features" not in arguments:
        return M4oE(**arguments).eval()
    features = {name: value for name, value in arguments["features"].items() if name != "type"}
    rest = {name: value for name, value in arguments.items() if name != "features"}
    return SemiMoE(SharedEncoder(pretrained=False, **features), **rest).eval()


@pytest.mark.parametrize("recipe", ["gland", "organ"])
def test_a_checkpoint_of_0_1_0_makes_its_network_again(left, recipe):
    checkpoint = weights.read(left[recipe], recipe)
    assert (checkpoint["recipe"], checkpoint["path"]) == (recipe, left[recipe])
    network = make(checkpoint["network"])
    assert network.arguments == checkpoint["network"]
    assert weights.put(checkpoint, network) == checkpoint["facts"]
    raw = torch.load(left[recipe], weights_only=True)
    assert raw["recipe"] != recipe or recipe == "gland"  # written in old words
    assert raw["network"] != checkpoint["network"]
    state = network.state_dict()
    assert state.keys() == raw["model"].keys()
    assert all(torch.equal(value, raw["model"][name]) for name, value in state.items())


def test_the_other_recipe_is_refused_by_its_present_name(left):
    with pytest.raises(RequestError, match="of the recipe 'organ', wanted one of 'gland'"):
        weights.read(left["organ"], "gland")


def ramp():
    """An image that can be drawn again: 0 at its first value, 1 at its last."""
    return torch.linspace(0, 1, 3 * 40 * 56).reshape(1, 3, 40, 56)


@torch.no_grad()
def test_it_says_of_glands_what_0_1_0_said(left):
    """The numbers are those of the release's own code, of the pixel in row 20 and column 30 and of all on average."""
    checkpoint = weights.read(left["gland"])
    network = make(checkpoint["network"])
    weights.put(checkpoint, network)
    maps = network.maps(ramp())[0]
    pixel = [-0.093403, -0.194594, 0.044600, -0.038648, 0.182679]
    mean = [-0.093303, -0.194332, 0.044745, -0.037974, 0.182556]
    assert maps[:, 20, 30].tolist() == pytest.approx(pixel, abs=1e-4)
    assert maps.mean((1, 2)).tolist() == pytest.approx(mean, abs=1e-4)


@torch.no_grad()
def test_it_says_of_organs_what_0_1_0_said(left):
    """The means of the gates' weights and the MR head's logits, which that one step has hardly moved from 0."""
    checkpoint = weights.read(left["organ"])
    network = make(checkpoint["network"])
    weights.put(checkpoint, network)
    outputs = network.outputs(ramp().repeat(2, 1, 1, 1), torch.tensor([0, 1]))
    gates = {name: weight.mean((2, 3))[:, 0].tolist() for name, weight in outputs.items() if name.endswith("_gate")}
    assert gates == {
        "encoder0_0_gate": pytest.approx([0.881769, 0.120180], abs=1e-5),
        "encoder1_0_gate": pytest.approx([0.880779, 0.119187], abs=1e-5),
        "decoder0_0_gate": pytest.approx([0.880846, 0.119254], abs=1e-5),
    }
    logits = outputs["logits"][1, :4, 20, 30]
    assert (1e6 * logits).tolist() == pytest.approx([10.0191, -9.9809, -9.9809, -9.9809], abs=1e-2)
