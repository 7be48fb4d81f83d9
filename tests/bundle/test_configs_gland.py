"""Every combination of configs that the docs name: wired rightly, verified as MONAI does, and run for one epoch."""

import csv
import json

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow, ckpt_export, verify_net_in_out
from PIL import Image

from custom.networks import weights

VARIANTS = [["supervised"], ["semi_moe"], ["semi_moe", "average_gate"], ["semi_moe", "segmentation_experts"], ["paper"]]
# Small and quick, without ImageNet weights; what is tested is the wiring.
QUICK = {"max_epochs": 1, "crop_px": 64, "batch_size": 2, "unlabelled_batch_size": 2, "pretrained": False}


@pytest.fixture(scope="module")
def configs(repository):
    return repository / "bundle" / "configs"


def workflow(configs, names, kind="train", **options):
    files = [str(configs / f"{name}.json") for name in names]
    meta = str(configs / "metadata.json")
    return ConfigWorkflow(files, meta, logging_file=False, workflow_type=kind, **options)


def train(configs, dataset, output, variants=(), **options):
    steps = {} if "paper" in variants else {"steps_per_epoch": 2}
    options = QUICK | steps | {"dataset_dir": str(dataset), "output_dir": str(output)} | options
    flow = workflow(configs, ["train", *variants], **options)
    flow.initialize()
    flow.run()
    flow.finalize()
    return flow


@pytest.fixture(scope="module")
def trained(configs, dataset, tmp_path_factory):
    output = tmp_path_factory.mktemp("run")
    train(configs, dataset, output)
    return output


@pytest.mark.parametrize("variants", [[], *VARIANTS[1:]], ids=lambda names: "+".join(names) or "inference")
def test_the_network_gives_what_the_metadata_says(configs, variants):
    files = [str(configs / f"{name}.json") for name in ["inference", *variants]]
    verify_net_in_out("network_def", str(configs / "metadata.json"), files, n=2, device="cpu")


@pytest.mark.parametrize("variants", [[], *VARIANTS], ids=lambda names: "+".join(names) or "train")
def test_one_epoch_trains_and_has_all_properties(configs, dataset, tmp_path, variants):
    flow = train(configs, dataset, tmp_path, variants)
    assert flow.check_properties() in (None, [])
    assert {"last.pt", "checkpoint.pt", "history.csv", "run.json", "curves.png"} <= {
        path.name for path in tmp_path.iterdir()
    }
    with open(tmp_path / "history.csv") as file:
        row = next(csv.DictReader(file))
    assert all(np.isfinite(float(value)) for value in row.values())
    assert ("unsupervised/mask" in row) == ("supervised" not in variants)
    several = variants[:1] in (["semi_moe"], ["paper"])
    assert ("gate/mask/expert 3" in row) == ("gate_spread/boundary/expert 1" in row) == several
    assert (tmp_path / "gate_use.png").is_file() == several


@pytest.mark.parametrize("variants", VARIANTS, ids="+".join)
def test_evaluation_with_a_variant_has_all_properties(configs, dataset, tmp_path, variants):
    options = {"dataset_dir": str(dataset), "output_dir": str(tmp_path), "pretrained": False}
    flow = workflow(configs, ["train", *variants, "evaluate"], initialize=[], **options)
    flow.initialize()
    assert flow.check_properties() in (None, [])


def test_several_processes_have_all_properties(configs, dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    options = {"dataset_dir": str(dataset), "output_dir": str(tmp_path), "pretrained": False, "learner": "@network"}
    flow = workflow(configs, ["train", "multi_gpu_train"], initialize=[], **options)
    flow.initialize()
    assert flow.check_properties() in (None, [])


def test_evaluation_has_all_properties_and_writes_its_report(configs, dataset, trained):
    options = {"dataset_dir": str(dataset), "output_dir": str(trained), "views": 1}
    record = (trained / "run.json").read_text()
    flow = workflow(configs, ["train", "evaluate"], **options)
    flow.initialize()
    assert flow.check_properties() in (None, [])
    flow.run()
    flow.finalize()
    assert (trained / "run.json").read_text() == record
    folder = trained / "evaluation_test"
    summary = json.loads((folder / "metrics_summary.json").read_text())
    assert summary["sections"]["test"]["images"] == 2
    assert len(list(csv.DictReader((folder / "metrics.csv").open()))) == 2
    assert (folder / "report.html").stat().st_size > 10_000
    assert len(list((folder / "overlays").iterdir())) == 2


def test_inference_writes_every_file_of_a_picture(configs, folder_source, trained, tmp_path):
    options = {"output_dir": str(tmp_path), "ckpt_path": str(trained / "last.pt"), "views": 1, "probability": True}
    flow = workflow(configs, ["inference"], "infer", dataset_dir=str(folder_source / "test"), **options)
    flow.initialize()
    assert flow.check_properties() in (None, [])
    flow.run()
    written = {path.name for path in (tmp_path / "images").iterdir()}
    kinds = ("mask", "instances", "overlay", "probability")
    pictures = {f"test_{number}_{kind}.png" for number in (0, 1) for kind in kinds}
    assert written == pictures | {"test_0_glands.geojson", "test_1_glands.geojson"}
    assert (tmp_path / "glands.csv").is_file()


def test_a_picture_keeps_its_size_and_orientation_on_every_way(configs, tmp_path):
    picture = np.full((96, 128, 3), 255, np.uint8)
    picture[8:40, 60:124] = 0  # wide, near the top, to the right: no flip or turn leaves it where it is
    Image.fromarray(picture).save(tmp_path / "a.b.png")
    network = workflow(configs, ["inference"], "infer", dataset_dir=str(tmp_path)).parser.get_parsed_content("network")
    weights.save(tmp_path / "any.pt", network, {"network_mpp": 1.24, "distance_um": 20.0})
    output = {"output_dir": str(tmp_path / "out"), "ckpt_path": str(tmp_path / "any.pt"), "views": 8}
    flow = workflow(configs, ["inference"], "infer", dataset_dir=str(tmp_path), **output)
    flow.initialize()
    flow.parser.get_parsed_content("network").maps = dark_is_gland
    flow.run()
    mask, ids = (np.asarray(Image.open(tmp_path / "out" / f"a.b_{kind}.png")) for kind in ("mask", "instances"))
    for array in (mask > 0, ids > 0):
        assert array.shape == (96, 128)
        assert (array == (picture[..., 0] == 0)).mean() > 0.99  # but for the rim, which resampling softens


def dark_is_gland(image):
    dark = 1 - 2 * image[:, :1]
    return torch.cat([-dark, dark, dark, torch.ones_like(dark), -torch.ones_like(dark)], dim=1)


def test_an_output_is_added_in_a_variant(configs, dataset, tmp_path):
    """The steps of CONTRIBUTING.md: its target, its loss, its expert; a second mask stands in for nuclei."""
    base = json.loads((configs / "train.json").read_text())
    variant = {
        "network_def#features#expert_count": 4,
        "network_def#outputs": {"mask": 2, "distance": 1, "boundary": 2, "nuclei": 2},
        "network_def#expert_outputs": [["mask"], ["distance"], ["boundary"], ["nuclei"]],
        "losses#nuclei": {"_target_": "custom.losses.SegmentationLoss"},
        "objective#coefficients#nuclei": 1.0,
        "make_targets": [*base["make_targets"], {"_target_": "CopyItemsd", "keys": "mask", "names": "nuclei"}],
    }
    (tmp_path / "nuclei.json").write_text(json.dumps(variant))
    run = tmp_path / "run"
    train(configs, dataset, run, ["semi_moe", tmp_path / "nuclei"])
    assert "unsupervised/nuclei" in (run / "history.csv").read_text().splitlines()[0]
    options = {"dataset_dir": str(dataset), "output_dir": str(run), "views": 1}
    flow = workflow(configs, ["train", "semi_moe", tmp_path / "nuclei", "evaluate"], **options)
    flow.initialize()
    flow.run()
    assert (run / "evaluation_test" / "metrics_summary.json").is_file()


def test_the_network_is_exported_to_torchscript(configs, trained, tmp_path):
    ckpt_export(
        "network_def",
        str(tmp_path / "model.ts"),
        ckpt_file=str(trained / "last.pt"),
        meta_file=str(configs / "metadata.json"),
        config_file=str(configs / "inference.json"),
        key_in_ckpt="model",
    )
    network = workflow(configs, ["inference"], "infer").parser.get_parsed_content("network_def").eval()
    weights.load(trained / "last.pt", network)
    image = torch.rand(1, 3, 40, 70)
    exported = torch.jit.load(tmp_path / "model.ts").eval()
    assert torch.allclose(exported(image), network(image), atol=1e-5)
    assert torch.allclose(exported.maps(image), network.maps(image), atol=1e-5)


def test_the_papers_networks_have_the_papers_sizes(configs):
    flow = workflow(configs, ["train", "paper"], dataset_dir="unused")
    network = flow.parser.get_parsed_content("network_def")
    sizes = [sum(p.numel() for p in part.parameters()) for part in (network.features, network)]
    own = [130, 65, 130]
    # 34,527,106 and 34,527,041 a U-Net with its own head, 84,718 for the gates and the fused heads
    assert sizes[0] == 34_527_106 + 34_527_041 + 34_527_106 - sum(own)
    assert sizes[1] == 34_527_106 + 34_527_041 + 34_527_106 + 84_718 == 103_665_971


def test_the_best_on_the_validation_images_is_kept_too(trained):
    assert torch.load(trained / "best.pt", weights_only=True)["facts"] == {"network_mpp": 1.24, "distance_um": 20.0}


def test_weights_of_another_network_are_refused_by_name(configs, trained):
    flow = workflow(configs, ["inference", "semi_moe"], "infer")
    network = flow.parser.get_parsed_content("network_def")
    with pytest.raises(Exception, match=r"last.pt.*another network.*expert_"):
        weights.load(trained / "last.pt", network)


def test_the_kept_weights_are_the_teachers(trained):
    kept = torch.load(trained / "last.pt", weights_only=True)["model"]
    state = torch.load(trained / "checkpoint.pt", weights_only=True)["state"]
    assert all(torch.equal(kept[name], state["teacher"][f"module.{name}"]) for name in kept)
    assert any(not torch.equal(kept[name], state["network"][name]) for name in kept)
