import pytest
import torch

from custom.checks import RequestError
from custom.networks import AllOutputs, M4oE, SemiMoE, SharedEncoder, unwrap, weights

FACTS = {"network_mpp": 0.62, "distance_um": 20.0}


def make(**arguments):
    features = SharedEncoder(pretrained=False, decoder_channels=(16, 16, 8, 8), **arguments)
    return SemiMoE(features).eval()


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(1)
    network = make()
    path = tmp_path / "models" / "model.pt"
    weights.save(path, network, FACTS)
    return path, network


def test_round_trip(saved):
    path, network = saved
    torch.manual_seed(2)
    other, image = make(), torch.rand(1, 3, 32, 64)
    assert not torch.equal(network(image), other(image))
    assert weights.load(path, other) == FACTS
    assert torch.equal(network(image), other(image))


def test_read_once_and_put_into_several(saved):
    path, network = saved
    checkpoint = weights.read(path)
    assert checkpoint["path"] == path
    path.unlink()
    image = torch.rand(1, 3, 32, 64)
    for other in (make(), AllOutputs(make())):
        assert weights.put(checkpoint, other, {"network_mpp": 0.62}) == FACTS
        assert torch.equal(unwrap(other)(image), network(image))
    with pytest.raises(RequestError, match=r"model\.pt: trained with distance_um 20\.0, wanted 10\.0"):
        weights.put(checkpoint, make(), {"distance_um": 10.0})
    with pytest.raises(RequestError, match=r"model\.pt: a checkpoint of another network: gate image \(wanted pixel\)"):
        weights.put(checkpoint, SemiMoE(network.features, gate="pixel"))


def test_only_the_checkpoint_is_left_and_others_can_read_it(saved):
    path, _ = saved
    assert [p.name for p in path.parent.iterdir()] == ["model.pt"]
    assert path.stat().st_mode & 0o777 == (path.parent.stat().st_mode & 0o666)


def test_a_failed_save_leaves_the_old_file(saved, monkeypatch):
    path, network = saved
    before = path.read_bytes()

    def broken(checkpoint, name):
        name.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", broken)
    with pytest.raises(RequestError, match="disk full"):
        weights.save(path, network, {})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["model.pt"]


def test_views_are_taken_off(tmp_path):
    network = make()
    weights.save(tmp_path / "model.pt", AllOutputs(network), FACTS)
    assert weights.load(tmp_path / "model.pt", AllOutputs(make())) == FACTS
    assert set(torch.load(tmp_path / "model.pt", weights_only=True)["model"]) == set(network.state_dict())


def test_the_checkpoint_says_what_it_is(saved):
    checkpoint = torch.load(saved[0], weights_only=True)
    assert set(checkpoint) == {"model", "recipe", "network", "facts", "versions"}
    assert checkpoint["recipe"] == "gland"
    assert checkpoint["network"]["features"]["name"] == "efficientnet-lite0"
    assert checkpoint["versions"]["torch"] == torch.__version__


def test_statistics_of_the_images_come_with_the_checkpoint(saved):
    path, network = saved
    other = SemiMoE(network.features, mean=(0, 0, 0), std=(1, 1, 1))
    weights.load(path, other)
    assert torch.equal(other.mean, network.mean)


def test_missing(tmp_path):
    with pytest.raises(RequestError, match=r"nothing\.pt: no such checkpoint"):
        weights.load(tmp_path / "nothing.pt", make())
    with pytest.raises(RequestError, match="no such checkpoint"):
        weights.load(tmp_path, make())


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x80\x02}q\x00.", b"PK\x03\x04 not a zip", bytes(range(256))])
def test_not_a_checkpoint(tmp_path, content):
    (tmp_path / "model.pt").write_bytes(content)
    with pytest.raises(RequestError, match=r"model\.pt: not a checkpoint"):
        weights.load(tmp_path / "model.pt", make())


def test_cut_short(saved):
    path, _ = saved
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(RequestError, match="damaged"):
        weights.load(path, make())


def test_code_is_not_run(tmp_path):
    torch.save({"model": pytest.fail}, tmp_path / "model.pt")
    with pytest.raises(RequestError, match="not a checkpoint"):
        weights.load(tmp_path / "model.pt", make())


def test_foreign_format(tmp_path):
    network = make()
    torch.save({"model": network.state_dict()}, tmp_path / "model.pt")
    with pytest.raises(RequestError, match="it has no recipe, network, facts, versions"):
        weights.load(tmp_path / "model.pt", network)
    torch.save([1, 2], tmp_path / "model.pt")
    with pytest.raises(RequestError, match="not a checkpoint of this project"):
        weights.load(tmp_path / "model.pt", network)


def changed(path, **entries):
    torch.save({**torch.load(path, weights_only=True), **entries}, path)


def test_another_recipe(saved):
    changed(saved[0], recipe="organ")
    with pytest.raises(RequestError, match="recipe 'organ', wanted one of 'gland'"):
        weights.load(saved[0], make())


@pytest.mark.parametrize("key", ["model", "network", "facts"])
def test_a_part_that_is_no_dictionary(saved, key):
    changed(saved[0], **{key: 0.62})
    with pytest.raises(RequestError, match=f"{key} must be a dictionary"):
        weights.load(saved[0], make())


def test_the_facts_asked_for_are_compared(saved):
    assert weights.load(saved[0], make(), {"network_mpp": 0.62}) == FACTS
    with pytest.raises(RequestError, match=r"trained with distance_um 20\.0, wanted 10\.0: give --distance_um 20\.0"):
        weights.load(saved[0], make(), {"network_mpp": 0.62, "distance_um": 10.0})
    with pytest.raises(RequestError, match="trained with colour None, wanted red"):
        weights.load(saved[0], make(), {"colour": "red"})


def test_of_a_table_only_what_differs_is_named(tmp_path):
    tasks = {name: {"head": name, "modality": "ct", "labels": {"1": "x"}} for name in ("btcv", "acdc")}
    facts = {"tasks": {name: {**task, "spacing": [2.0, 2.0]} for name, task in tasks.items()}}
    options = {"stem": "patch", "embed": 12, "depths": (1,), "heads": (2,)}
    network = M4oE(tasks, **options)
    weights.save(tmp_path / "model.pt", network, facts)
    with pytest.raises(RequestError) as error:
        weights.load(
            tmp_path / "model.pt",
            network,
            {"tasks": {**facts["tasks"], "btcv": {**tasks["btcv"], "spacing": [1.5, 1.5]}}},
        )
    assert str(error.value).endswith("model.pt: trained with tasks.btcv.spacing [2.0, 2.0] (wanted [1.5, 1.5])")
    fewer = {"btcv": tasks["btcv"]}
    with pytest.raises(RequestError) as error:
        weights.load(tmp_path / "model.pt", M4oE(fewer, **options), {"tasks": fewer})
    assert str(error.value).endswith("a checkpoint of another network: the tasks btcv, acdc (wanted btcv)")


def test_another_network_says_which_arguments_differ(saved):
    other = SemiMoE(SharedEncoder("efficientnet-lite2", False, decoder_channels=(16, 16, 8, 8)), gate="pixel")
    before = {key: value.clone() for key, value in other.state_dict().items()}
    with pytest.raises(RequestError) as error:
        weights.load(saved[0], other)
    text = str(error.value)
    assert "features.name efficientnet-lite0 (wanted efficientnet-lite2)" in text
    assert "gate image (wanted pixel)" in text
    assert "outputs" not in text
    assert "\n" not in text
    assert all(torch.equal(value, before[key]) for key, value in other.state_dict().items())


def test_other_tensors_are_named(saved):
    path, network = saved
    state = network.state_dict()
    state["mixtures.mask.head.weight"] = torch.zeros(2, 9, 1, 1)
    del state["std"]
    state["extra"] = torch.zeros(1)
    changed(path, model=state)
    with pytest.raises(RequestError) as error:
        weights.load(path, make())
    assert "std is missing; extra is unknown; mixtures.mask.head.weight is [2, 9, 1, 1] (wanted [2, 8, 1, 1])" in str(
        error.value
    )


def test_facts_can_be_read_before_there_is_a_network(saved, tmp_path):
    assert weights.read(saved[0])["facts"] == weights.read(saved[0], "gland")["facts"] == FACTS
    assert weights.read(saved[0])["network"] == saved[1].arguments
    assert weights.read(saved[0])["model"].keys() == saved[1].state_dict().keys()
    with pytest.raises(RequestError, match="of the recipe 'gland', wanted one of 'organ'"):
        weights.read(saved[0], "organ")
    with pytest.raises(RequestError, match=r"nothing\.pt: no such checkpoint"):
        weights.read(tmp_path / "nothing.pt")
