"""The weights of the organ recipe that are shipped, with what is said of them."""

import json

import pytest
import torch
from monai.bundle import ConfigWorkflow, ckpt_export

from custom.data.volumes import declaration
from custom.networks import M4oE, weights

TRAINED_ON = ("btcv", "acdc", "hippocampus")


@pytest.fixture(scope="module")
def bundle(repository):
    return repository / "bundle"


@pytest.fixture(scope="module")
def metadata(bundle):
    return bundle / "configs" / "metadata_organ.json"


@pytest.fixture(scope="module")
def network(bundle):
    checkpoint = weights.read(bundle / "models" / "model_organ.pt", "organ")
    network = M4oE(**checkpoint["network"]).eval()
    network.load_state_dict(checkpoint["model"])
    return network


def test_the_metadata_names_the_channels_of_the_first_task(metadata):
    channels = json.loads(metadata.read_text())["network_data_format"]["outputs"]["pred"]["channel_def"]
    assert list(channels.values()) == ["background", *declaration.shipped("btcv").labels.values()]


def test_the_weights_know_the_data_sets_as_they_are_declared(bundle):
    path = bundle / "models" / "model_organ.pt"
    tasks = weights.read(path)["facts"]["tasks"]
    assert tuple(tasks) == TRAINED_ON
    for name, task in tasks.items():
        declared = declaration.shipped(name)
        assert task["labels"] == {str(one): organ for one, organ in declared.labels.items()}
        assert task["one_piece"] == list(declared.one_piece)
        assert task["spacing"] == list(declared.spacing)
        assert {task["modality"]: task["intensity"]} == declared.modalities


def test_the_weights_are_exported_to_torchscript(bundle, metadata, network, tmp_path):
    config = str(bundle / "configs" / "inference_organ.json")
    ckpt_export(
        "network_def",
        str(tmp_path / "model.ts"),
        ckpt_file=str(bundle / "models" / "model_organ.pt"),
        meta_file=str(metadata),
        config_file=config,
        key_in_ckpt="model",
    )
    image = torch.rand(1, 3, 40, 70)
    exported = torch.jit.load(tmp_path / "model.ts").eval()
    with torch.no_grad():
        for number in range(len(TRAINED_ON)):
            torch.testing.assert_close(exported(image, number), network(image, number), atol=1e-4, rtol=1e-4)


def test_by_default_inference_takes_them(bundle):
    config = str(bundle / "configs" / "inference_organ.json")
    flow = ConfigWorkflow(config, logging_file=False, workflow_type="infer", task="acdc")
    assert flow.parser.get_parsed_content("network_def").task_names == list(TRAINED_ON)
