from types import SimpleNamespace

import pytest
import torch

from custom.checks import RequestError
from custom.losses import OrganLoss
from custom.networks import AllOutputs, M4oE, add_tasks, weights
from custom.networks.norms import JoinedNorm
from custom.targets.organ_task import class_counts
from custom.training import MovingAverage, OrganStep
from custom.training.organ_step import learning


def task(head, modality, labels):
    return {"head": head, "modality": modality, "labels": {str(one): f"organ {one}" for one in range(1, labels + 1)}}


OLD = {"btcv": task("btcv", "ct", 6), "acdc": task("acdc", "mr", 3), "liver": task("liver", "ct", 2)}
NEW = {
    **OLD,
    "brain": task("brain", "us", 8),
    "spleen": task("spleen", "ct", 1),
}  # a modality, and a data set of an old
WAYS = {
    "soft": {},
    "top_k": {"routing": "top_k", "prior": 6.0},  # so that the new expert is chosen in every block
    "top_2": {"routing": "top_k", "top_k": 2},
    "modality": {"routing": "modality"},
    "average": {"gate": "average"},
    "shared": {"routing": "shared"},
    "patch": {"stem": "patch"},
    "no prior": {"prior": None},
}


def make(**arguments):
    """Trained, as far as batch statistics and weights unlike each other tell."""
    torch.manual_seed(0)
    sizes = {"embed": 12, "depths": (2, 1), "heads": (2, 2), "window": 3, "drop_path": 0.0}
    network = M4oE(OLD, **{**sizes, **arguments})
    for parameter in network.parameters():
        if parameter.dim() < 3:
            torch.nn.init.normal_(parameter, mean=float(parameter.dim() == 1), std=0.15)
    with torch.no_grad():
        network.stem.finish(*network.stem(torch.randn(4, 3, 64, 64), [2, 2]), [2, 2])
    return network.eval()


@torch.no_grad()
def predictions(network):
    """All ways to ask for the old tasks."""
    network.eval()
    torch.manual_seed(1)
    image = torch.rand(3, 3, 50, 70)
    found = [network(image, number) for number in range(3)] + network.several(image, [2, 0])
    outputs = network.outputs(image, torch.tensor([1, 0, 2]))
    gates = [gate[:, :2] for name, gate in outputs.items() if name.endswith("_gate")]
    return [*found, outputs["logits"], *gates]


def train(network, steps=3):
    """Steps on the new tasks as the recipe takes them, with batch norms in training mode where it sets them so."""
    optimizer = torch.optim.AdamW(learning(network.parameters()), lr=0.05, weight_decay=0.1)
    average = MovingAverage(network)
    step = OrganStep(
        OrganLoss(class_counts(NEW)), NEW, optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9),
        average, router_z=0.1, load_balance=0.1,
    )  # fmt: skip
    engine = SimpleNamespace(
        network=AllOutputs(network), state=SimpleNamespace(iteration=1, device=torch.device("cpu"))
    )
    torch.manual_seed(2)
    for _ in range(steps):
        ids = torch.tensor([3, 4, 3])
        label = (torch.rand(3, 1, 48, 48) > 0.5).long()
        step(engine, {"image": torch.rand(3, 3, 48, 48), "label": label, "task_id": ids, "path": ["a", "b", "c"]})
    return average.network


@pytest.mark.parametrize("way", WAYS)
def test_what_the_old_tasks_predict_stays_the_same_to_the_bit(way, tmp_path):
    old = make(**WAYS[way])
    before = predictions(old)
    assert torch.stack([one.std() for one in before[:3]]).min() > 0.01  # so that "the same" says something
    network = add_tasks(old.state_dict(), old.arguments, NEW, like="mr")
    image = torch.rand(1, 3, 40, 24)
    for grown in (network, train(network), network):  # before the training, the average, and after it
        assert all(torch.equal(one, two) for one, two in zip(predictions(grown), before, strict=True))
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in old.state_dict().items())
    weights.save(tmp_path / "model.pt", network, {})
    again = M4oE(**weights.read(tmp_path / "model.pt")["network"]).eval()
    weights.load(tmp_path / "model.pt", again)
    assert all(torch.equal(one, two) for one, two in zip(predictions(again), before, strict=True))
    with torch.no_grad():  # with gradients, attention may take another kernel where its bias is frozen
        assert torch.equal(again(image, 3), network(image, 3))


@pytest.mark.parametrize("way", WAYS)
def test_the_new_tasks_learn_and_every_new_part_does(way):
    old = make(**WAYS[way])
    network = add_tasks(old.state_dict(), old.arguments, NEW)
    image = torch.rand(2, 3, 48, 48)
    start = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    untrained = [network.eval()(image, number) for number in (3, 4)]
    network.train()
    train(network)
    changed = {name for name, parameter in network.named_parameters() if not torch.equal(parameter, start[name])}
    assert changed == set(start) - set(old.state_dict())
    assert any(name.startswith("heads.heads.brain.") for name in changed)
    assert any(".experts.us." in name for name in changed) == (way != "shared")
    for number, one in zip((3, 4), untrained, strict=True):
        assert not torch.equal(network.eval()(image, number), one)


def test_a_new_expert_begins_as_a_copy():
    old = make()
    for like, expected in (("mr", "mr"), (None, "ct")):
        state = add_tasks(old.state_dict(), old.arguments, NEW, like=like).state_dict()
        copies = [name for name in state if ".experts.us." in name or ".scores.us." in name]
        assert len(copies) == 5 * (4 + 2)  # blocks; two layers of an expert, one row of a gate
        assert all(torch.equal(state[name], state[name.replace(".us.", f".{expected}.")]) for name in copies)


def test_new_norms_begin_as_the_copied_modalitys():
    old = make()
    once = add_tasks(old.state_dict(), old.arguments, NEW)
    train(once)
    for like, own in (("mr", ""), ("us", "joined.us.")):
        grown = add_tasks(once.state_dict(), once.arguments, {**NEW, "lung": task("lung", "pet", 2)}, like=like)
        norms = [module.state_dict() for module in grown.modules() if isinstance(module, JoinedNorm)]
        assert len(norms) == 33 + 3  # of the encoder's levels and the decoder's
        for state in norms:
            for name in ("weight", "bias", "running_mean", "running_var"):
                assert torch.equal(state[f"joined.pet.{name}"], state[own + name])
    assert any(not torch.equal(state["joined.pet.running_mean"], state["running_mean"]) for state in norms)


@torch.no_grad()
def test_hard_routing_starts_from_what_the_copied_expert_sees():
    """The new modality's features are the copied one's: its own head would say of them what the old one says."""
    old = make(routing="modality")
    network = add_tasks(old.state_dict(), old.arguments, {**OLD, "brain": task("brain", "us", 3)}, like="mr").eval()
    network.heads.heads["brain"].load_state_dict(network.heads.heads["acdc"].state_dict())
    image = torch.rand(1, 3, 40, 24)
    assert torch.equal(network(image, 3), network(image, 1))


def test_modalities_that_join_together_see_each_other_and_the_old():
    old = make()
    both = {**OLD, "a": task("a", "us", 1), "b": task("b", "pet", 1)}
    network = add_tasks(old.state_dict(), old.arguments, both)
    assert network.expert_names == ["ct", "mr", "us", "pet"]
    outputs = network.outputs(torch.rand(2, 3, 32, 32), torch.tensor([0, 3]))
    gate = outputs["decoder0_0_gate"].amax((2, 3))
    assert (gate > 0).tolist() == [[True, True, False, False], [True, True, True, True]]


def test_it_can_be_done_again():
    old = make()
    before = predictions(old)
    once = add_tasks(old.state_dict(), old.arguments, NEW)
    twice = add_tasks(once.state_dict(), once.arguments, {**NEW, "lung": task("lung", "pet", 2)}, like="us")
    assert twice.arguments["modalities"] == [["ct", "mr"], ["us"], ["pet"]]
    assert all(torch.equal(one, two) for one, two in zip(predictions(twice), before, strict=True))
    image = torch.rand(1, 3, 40, 24)
    with torch.no_grad():
        assert torch.equal(twice.eval()(image, 3), once.eval()(image, 3))
    assert {
        name.split(".")[2] for name, one in twice.named_parameters() if one.requires_grad and "heads.heads" in name
    } == {"lung"}


def test_a_data_set_of_an_old_modality_gets_a_head_only():
    old = make()
    network = add_tasks(old.state_dict(), old.arguments, {**OLD, "spleen": task("spleen", "ct", 1)})
    assert network.expert_names == ["ct", "mr"]
    learns = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    assert learns == ["heads.heads.spleen.weight", "heads.heads.spleen.bias"]


def test_frozen_parts_stay_in_evaluation_mode():
    old = make()
    network = add_tasks(old.state_dict(), old.arguments, NEW)
    assert network.train().training
    learning = {name for name, module in network.named_modules() if module.training} - {""}
    assert learning == {name for name, _ in network.named_modules() if name.endswith(".joined.us")}
    assert not any(module.training for module in network.eval().modules())
    assert make().train().stem.training


@pytest.mark.parametrize(
    ("tasks", "arguments", "message"),
    [
        ({"brain": NEW["brain"], **OLD}, {}, "must begin with those of the network, btcv, acdc, liver, got brain"),
        ({**NEW, "btcv": task("btcv", "ct", 5)}, {}, "the name btcv is taken .*; give the data set another name"),
        ({"btcv": OLD["btcv"]}, {}, "must begin with those"),
        (OLD, {}, "wanted one beside btcv"),
        (NEW, {"like": "pet"}, "no expert 'pet' to copy, wanted one of ct, mr"),
    ],
)
def test_refused(tasks, arguments, message):
    old = make()
    with pytest.raises(RequestError, match=message):
        add_tasks(old.state_dict(), old.arguments, tasks, **arguments)


def test_the_releases_gate_cannot_hide_an_expert():
    old = make(gate="channel")
    with pytest.raises(RequestError, match="cannot hide the new expert 'us'"):
        add_tasks(old.state_dict(), old.arguments, NEW)
    assert add_tasks(old.state_dict(), old.arguments, {**OLD, "spleen": NEW["spleen"]}).expert_names == ["ct", "mr"]


def test_weights_of_another_version_are_refused():
    """A network that grew before new modalities had norms of their own: nothing is made up for what is missing."""
    old = make()
    grown = add_tasks(old.state_dict(), old.arguments, NEW)
    state = {name: value for name, value in grown.state_dict().items() if ".joined." not in name}
    with pytest.raises(RequestError, match="another version of this network"):
        add_tasks(state, grown.arguments, {**NEW, "lung": task("lung", "pet", 2)})
