"""The organ recipe: every combination of configs that the docs name is wired rightly, and runs for an epoch."""

import csv
import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow

from custom.checks import RequestError
from custom.data.volumes import VolumeSets
from custom.networks import M4oE, weights

# Small and quick, without ImageNet weights; what is tested is the wiring.
QUICK = {"max_epochs": 1, "steps_per_epoch": 2, "crop_px": 32, "batch_size": 3, "val_interval": 1}
# Hard routing has no gate, nor has what has no experts; the release's gate weighs channels, not experts.
COMBINATIONS = [
    ([], {}, True),
    ([], {"routing": "top_k", "router_z": 0.001, "load_balance": 0.01}, True),
    ([], {"gate": "average", "val_interval": 5}, True),  # more than the epochs, and yet it validates once
    ([], {"gate": "channel"}, False),
    ([], {"routing": "modality"}, False),
    ([], {"routing": "shared"}, False),
    (["plain_unet_organ"], {}, False),
    (["paper_organ"], {"batch_size": 2}, True),
]


def workflow(repository, names, kind="train", **options):
    configs = repository / "bundle" / "configs"
    files = [str(configs / f"{name}.json") for name in names]
    return ConfigWorkflow(files, logging_file=False, workflow_type=kind, **options)


def run(repository, names, **options):
    flow = workflow(repository, names, **options)
    flow.initialize()
    flow.run()
    flow.finalize()
    return flow


def train(repository, output, dirs, variants=(), **options):
    options = QUICK | {"dataset_dirs": dirs, "output_dir": str(output), "pretrained": False} | options
    return run(repository, ["train_organ", *variants], **options)


def refusal(error):
    while not isinstance(error, RequestError):
        error = error.__cause__
    return str(error)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """What draws the default volumes, as `check_properties` does, shall not draw them into the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def trained(repository, dataset_dirs, tmp_path_factory):
    output = tmp_path_factory.mktemp("run")
    train(repository, output, dataset_dirs)
    return output


@pytest.mark.parametrize(("variants", "options", "gated"), COMBINATIONS, ids=str)
def test_one_epoch_trains_and_has_all_properties(repository, dataset_dirs, tmp_path, variants, options, gated):
    flow = train(repository, tmp_path, dataset_dirs, variants, **options)
    assert flow.check_properties() in (None, [])
    row = next(csv.DictReader((tmp_path / "history.csv").open()))
    assert {"supervised/synthetic_ct", "supervised/synthetic_mr", "validation/dice"} <= set(row)
    experts = {name.split("/")[2] for name in row if name.startswith("gate/")}
    assert experts == ({"ct", "mr"} if gated else set())
    assert ("router/z" in row) == ("router_z" in options)
    assert (tmp_path / "last.pt").is_file()
    assert (tmp_path / "best.pt").is_file()


def test_the_paper_s_sizes(repository, dataset_dirs):
    """Its counts are those of `test_m4oe`, which works them out for the paper's data sets."""
    flow = workflow(repository, ["train_organ", "paper_organ"], dataset_dirs=dataset_dirs)
    arguments = flow.parser.get_parsed_content("network").arguments
    found = {name: arguments[name] for name in ("stem", "embed", "depths", "heads", "window", "prior")}
    wanted = {"stem": "patch", "embed": 96, "depths": [2] * 4, "heads": [3, 6, 12, 24], "window": 7, "prior": None}
    assert found == wanted


def test_evaluation_scores_every_organ_of_every_data_set(repository, dataset_dirs, trained):
    options = {"dataset_dirs": dataset_dirs, "output_dir": str(trained)}
    flow = run(repository, ["train_organ", "evaluate_organ"], **options)
    assert flow.check_properties() in (None, [])
    folder = trained / "evaluation_test"
    summary = json.loads((folder / "metrics_summary.json").read_text())
    assert set(summary["tasks"]) == {"synthetic_ct", "synthetic_mr"}
    with open(folder / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    organs = {(row["task"], row["organ"]) for row in rows}
    table = VolumeSets(dataset_dirs).tasks
    assert organs == {(name, organ) for name, facts in table.items() for organ in facts["labels"].values()}
    assert {path.name for path in folder.iterdir()} >= {"report.html", "overlays", "gate_use.png", "gate_maps.png"}


def test_the_first_phase_hands_its_weights_on(repository, dataset_dirs, tmp_path):
    options = QUICK | {"dataset_dirs": dataset_dirs, "pretrained": False}
    flow = run(repository, ["train_organ", "pretrain_organ"], output_dir=str(tmp_path / "first"), **options)
    assert flow.check_properties() in (None, [])
    row = next(csv.DictReader((tmp_path / "first" / "history.csv").open()))
    assert float(row["supervised/reconstruction"]) > 0
    flow = workflow(
        repository,
        ["train_organ"],
        **options,
        output_dir=str(tmp_path / "second"),
        init_path=str(tmp_path / "first" / "last.pt"),
    )
    flow.initialize()
    taught = torch.load(tmp_path / "first" / "last.pt", weights_only=True)["model"]
    network = flow.parser.get_parsed_content("network").state_dict()
    assert all(torch.equal(network[name], value) for name, value in taught.items())


def test_one_of_several_data_sets_is_evaluated_without_what_shaped_the_network(repository, dataset_dirs, tmp_path):
    train(repository, tmp_path, dataset_dirs, ["plain_unet_organ"], routing="top_k")
    options = {"dataset_dirs": dataset_dirs[1:], "output_dir": str(tmp_path)}
    run(repository, ["train_organ", "evaluate_organ"], **options)
    summary = json.loads((tmp_path / "evaluation_test" / "metrics_summary.json").read_text())
    assert set(summary["tasks"]) == {"synthetic_mr"}
    # Said again it does no harm, but another one is no option.
    names = ["train_organ", "plain_unet_organ", "evaluate_organ"]
    workflow(repository, names, **options, routing="top_k").initialize()
    with pytest.raises(Exception) as caught:  # noqa: PT011 - MONAI's own wraps it
        workflow(repository, names, **options, routing="soft").initialize()
    assert "last.pt: a checkpoint of another network: routing top_k (wanted soft)" in refusal(caught.value)


def test_a_data_set_that_the_weights_do_not_know_is_not_evaluated(repository, dataset_dirs, ct_only):
    options = {"dataset_dirs": dataset_dirs, "output_dir": str(ct_only.parent)}
    with pytest.raises(Exception) as caught:  # noqa: PT011 - MONAI's own wraps it
        workflow(repository, ["train_organ", "evaluate_organ"], **options).initialize()
    assert "synthetic_mr/datalist.json: found the task 'synthetic_mr', wanted one that" in refusal(caught.value)


@pytest.fixture(scope="module")
def ct_only(repository, dataset_dirs, tmp_path_factory):
    output = tmp_path_factory.mktemp("ct")
    train(repository, output, dataset_dirs[:1])
    return output / "last.pt"


def test_a_new_modality_joins_and_the_old_one_stays_to_the_bit(repository, dataset_dirs, ct_only, tmp_path):
    options = QUICK | {"dataset_dir": dataset_dirs[1], "init_path": str(ct_only), "output_dir": str(tmp_path)}
    flow = run(repository, ["train_organ", "add_modality_organ"], **options)
    assert flow.check_properties() in (None, [])
    networks = [M4oE(**weights.read(path)["network"]).eval() for path in (ct_only, tmp_path / "last.pt")]
    for path, network in zip((ct_only, tmp_path / "last.pt"), networks, strict=True):
        weights.load(path, network)
    assert networks[1].task_names == ["synthetic_ct", "synthetic_mr"]
    image = torch.rand(2, 3, 40, 56)
    with torch.no_grad():
        assert torch.equal(networks[0](image, 0), networks[1](image, 0))
    for dirs in (dataset_dirs, dataset_dirs[1:]):
        options = {"dataset_dirs": dirs, "output_dir": str(tmp_path)}
        fresh = run(repository, ["train_organ", "evaluate_organ"], **options)
        assert fresh.check_properties() in (None, [])
        summary = json.loads((tmp_path / "evaluation_test" / "metrics_summary.json").read_text())
        assert set(summary["tasks"]) == {Path(name).name for name in dirs}


def test_a_data_set_that_is_known_is_refused_as_new(repository, dataset_dirs, ct_only, tmp_path):
    options = QUICK | {"dataset_dir": dataset_dirs[0], "init_path": str(ct_only), "output_dir": str(tmp_path)}
    with pytest.raises(Exception) as caught:  # noqa: PT011 - MONAI's own wraps it
        run(repository, ["train_organ", "add_modality_organ"], **options)
    assert "found no task that the network does not have" in refusal(caught.value)


@pytest.mark.parametrize("option", [{"routing": "top_k"}, {"gate": "average"}, {"pretrained": False}])
def test_what_shapes_the_trained_network_is_refused_where_it_grows(repository, dataset_dirs, ct_only, tmp_path, option):
    options = QUICK | {"dataset_dir": dataset_dirs[1], "init_path": str(ct_only), "output_dir": str(tmp_path)}
    with pytest.raises(Exception) as caught:  # noqa: PT011 - MONAI's own wraps it
        workflow(repository, ["train_organ", "add_modality_organ"], **options, **option).initialize()
    assert f"found --{next(iter(option))} " in refusal(caught.value)
    assert not (tmp_path / "run.json").exists()


def test_a_run_that_was_cut_ends_as_one_that_was_not(repository, dataset_dirs, tmp_path):
    train(repository, tmp_path / "whole", dataset_dirs, max_epochs=2)
    # The schedule of the whole run, cut after an epoch.
    flow = workflow(
        repository,
        ["train_organ"],
        **QUICK | {"max_epochs": 2, "dataset_dirs": dataset_dirs, "pretrained": False},
        output_dir=str(tmp_path / "cut"),
    )
    flow.initialize()
    trainer = flow.parser.get_parsed_content("train#trainer")
    trainer.state.max_epochs = 1
    trainer.run()
    train(repository, tmp_path / "cut", dataset_dirs, max_epochs=2)
    ends = [torch.load(tmp_path / name / "last.pt", weights_only=True)["model"] for name in ("whole", "cut")]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_weights_of_other_data_sets_are_refused(repository, dataset_dirs, trained, tmp_path):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - MONAI's own wraps it
        train(repository, tmp_path, dataset_dirs[:1], init_path=str(trained / "last.pt"))
    assert "last.pt: a checkpoint of another network" in refusal(caught.value)


def test_the_default_data_sets_are_the_synthetic_ones(repository):
    flow = workflow(repository, ["train_organ"])
    names = [Path(name).name for name in flow.parser.get_parsed_content("dataset_dirs")]
    assert names == ["synthetic_ct", "synthetic_mr"]
