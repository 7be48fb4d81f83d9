import re

import numpy as np
import pytest
import torch
from PIL import Image

from custom.data.tiles import TileSet
from custom.inference import TileInferer
from custom.networks import SemiMoE, SharedEncoder, weights
from custom.report.glands.scores import GlandScores
from custom.targets import gland_mask, instances

MPP, NETWORK_MPP, DISTANCE_UM = 0.62, 1.24, 20.0


def untrained(folder, dataset, gate):
    """A run whose network is as it begins, but that half of the pixels are gland and the mask's gate tells images."""
    data = TileSet(dataset)
    torch.manual_seed(0)
    experts = [["mask"], ["distance"], ["boundary"]]
    encoder = SharedEncoder(pretrained=False, expert_count=3)
    network = SemiMoE(encoder, expert_outputs=experts, gate=gate, mean=data.mean, std=data.std).eval()
    mask = network.mixtures["mask"]
    with torch.no_grad():
        if gate == "image":
            _tell_apart(mask.gate, [network.outputs(image)["mask_gate"][0] for image, _ in pairs(dataset)])
        logits = torch.stack([network.maps(image)[0, 1] - network.maps(image)[0, 0] for image, _ in pairs(dataset)])
        mask.head.bias[1] -= logits.median()
    weights.save(folder / "last.pt", network, {"network_mpp": NETWORK_MPP, "distance_um": DISTANCE_UM})
    return network


def _tell_apart(gate, weights):
    """Make the scores of two images opposite, and the largest of them 2."""
    one, other = (weight.log() for weight in weights)
    factor = 4 / (one - other).abs().max()
    gate.score.weight *= factor
    gate.score.bias.copy_(factor * (gate.score.bias - (one + other) / 2))


def pairs(dataset):
    """The test images as the loader gives them, (1, 3, w, h), and their labels (h, w)."""
    for item in TileSet(dataset).items("test"):
        image, label = (np.asarray(Image.open(item[key])) for key in ("image", "label"))
        yield torch.from_numpy(image.transpose(2, 1, 0) / np.float32(255))[None], label


def scored(network, dataset):
    """The scores of the plain network on the test images, as the table has them."""
    scores, inferer = GlandScores(MPP), TileInferer(NETWORK_MPP, MPP)
    for image, label in pairs(dataset):
        with torch.no_grad():
            maps = inferer(image, network)[0].numpy().swapaxes(1, 2)
        scores.add("", "", gland_mask(maps), label, instances(maps, MPP, DISTANCE_UM))
    summary = scores.summary()
    dice, object_dice = (summary["scores"][name]["mean"] for name in ("dice", "object_dice"))
    return [f"{value:.4f}" for value in (dice, summary["pooled"]["mdice"], object_dice)]


def gates(printed):
    """Output to mean and spread of its gate's weights."""
    found = re.findall(r"^(\w+): mean \[(.*)\], spread \[(.*)\]$", printed, re.MULTILINE)
    return {name: [[float(value) for value in part.split(", ")] for part in parts] for name, *parts in found}


def test_a_gate_that_listens_scores_otherwise_with_weights_of_others(script, rows, dataset, tmp_path):
    network = untrained(tmp_path, dataset, "image")
    printed = script("gate_shuffle", "--data", dataset, "--run", tmp_path, "--section", "test")
    head, own, other, mean = rows(printed)
    assert head == ["gate weights", "Dice", "mdice", "object Dice"]
    assert own == ["the image's own", *scored(network, dataset)]
    assert (other[0], mean[0]) == ("another image's", "the mean over images")
    assert own[1:] != other[1:]
    found = gates(printed)
    assert list(found) == ["mask", "distance", "boundary"]
    assert all(sum(mean) == pytest.approx(1, abs=2e-3) for mean, _ in found.values())
    assert max(found["mask"][1]) > 0


def test_a_gate_that_is_a_constant_scores_the_same_with_any_weights(script, rows, dataset, tmp_path):
    network = untrained(tmp_path, dataset, "average")
    variants = ["--variants", "semi_moe,average_gate"]
    printed = script("gate_shuffle", "--data", dataset, "--run", tmp_path, "--section", "test", *variants)
    _, *lines = rows(printed)
    assert [line[1:] for line in lines] == [scored(network, dataset)] * 3
    assert gates(printed) == {name: [[0.333] * 3, [0.0] * 3] for name in ("mask", "distance", "boundary")}
