import csv
import json
import logging

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.engines import SupervisedEvaluator
from PIL import Image
from torch import nn

from custom.files import sha256
from custom.inference import SquareInferer, TileInferer
from custom.report.evaluation_handler import EvaluationHandler
from custom.report.glands.evaluation import GlandEvaluation
from custom.report.history import write_history

HEIGHT, WIDTH = 64, 96
BOX = np.s_[8:40, 50:90]  # away from the middle both ways, and not square


class _Network(nn.Module):
    """Takes the maps from the image: red above one half is gland; the gate follows the mean of green."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, image):
        gland = (image[:, :1] > 0.5).float() * self.scale
        distance = torch.where(gland > 0, 1.0, -1.0)
        return torch.cat([2 - 4 * gland, 4 * gland - 2, distance, 3 + gland * 0, -3 + gland * 0], dim=1)

    maps = forward

    def outputs(self, image):
        green = image[:, 1].mean((1, 2))
        return {"mask": image, "mask_gate": torch.stack([green, 1 - green], 1)}


def _item(name, patient, found, label, green=0.2):
    image = torch.full((3, HEIGHT, WIDTH), green)
    image[0] = torch.as_tensor(found, dtype=torch.float32)
    ids = torch.as_tensor(label, dtype=torch.int32)[None]
    # the loader's order: (c, w, h)
    return {"image": image.transpose(1, 2), "label": ids.transpose(1, 2), "id": name, "patient": patient}


def _box(rows=BOX[0], columns=BOX[1]):
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    mask[rows, columns] = 1
    return mask


def _evaluate(handler, network, batches, inferer):
    evaluator = SupervisedEvaluator(
        torch.device("cpu"), batches, network, inferer=inferer, val_handlers=[handler], epoch_length=len(batches)
    )
    evaluator.logger.setLevel(logging.WARNING)
    evaluator.run()


def _collate(items):
    batch = {key: torch.stack([item[key] for item in items]) for key in ("image", "label")}
    return batch | {key: [item[key] for item in items] for key in ("id", "patient")}


@pytest.fixture(scope="module")
def output_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluation")
    items = [
        _item("right", "1", _box(), _box(), 0.2),
        _item("half.way", "1", _box(columns=np.s_[50:70]), _box(), 0.4),
        _item("../missed", "2", _box() * 0, _box(), 0.6),
    ]
    (folder / "last.pt").write_bytes(b"weights")
    write_history(folder / "history.csv", [{"epoch": 1, "step": 2, "supervised/mask": 1.0}])
    network, inferer = _Network(), TileInferer(network_mpp=0.5, mpp=0.5)
    evaluation = GlandEvaluation("testA", 0.5, 10.0, 50.0, network, inferer)
    handler = EvaluationHandler(
        evaluation, folder / "out", folder / "last.pt", folder / "history.csv", config={"a": 1}, seed=3
    )
    _evaluate(handler, network, [_collate(items[:2]), _collate(items[2:])], inferer)
    return folder / "out"


def test_each_image_has_a_row(output_dir):
    with open(output_dir / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["patient"], row["glands"], row["predicted"]) for row in rows] == [
        ("right", "1", "1", "1"), ("half.way", "1", "1", "1"), ("../missed", "2", "1", "0")
    ]  # fmt: skip
    # half: 20 of 40 columns, so 2 * 20 / (20 + 40)
    assert [float(row["object_dice"]) for row in rows] == pytest.approx([1, 2 / 3, 0], abs=1e-5)
    assert [float(row["dice"]) for row in rows] == pytest.approx([1, 2 / 3, 0], abs=1e-5)
    # at least half is covered, so found; the missed one costs the image's diagonal
    assert [float(row["object_f1"]) for row in rows] == [1, 1, 0]
    assert float(rows[2]["object_hausdorff_px"]) == pytest.approx(np.hypot(HEIGHT, WIDTH), rel=1e-5)
    assert float(rows[2]["object_hausdorff_um"]) == pytest.approx(np.hypot(HEIGHT, WIDTH) / 2, rel=1e-5)


def test_summary_holds_scores_and_evidence(output_dir):
    summary = json.loads((output_dir / "metrics_summary.json").read_text())
    section = summary["sections"]["testA"]
    assert (section["images"], section["patients"]) == (3, 2)
    assert section["scores"]["dice"]["mean"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    # Drawn patients: the first twice (5/6), both (5/9), or the second twice (0), each at least a quarter of the draws.
    assert (section["scores"]["dice"]["low"], section["scores"]["dice"]["high"]) == pytest.approx((0, 5 / 6))
    assert summary["checkpoint_sha256"] == sha256(output_dir.parent / "last.pt")
    assert summary["config"] == {"a": 1}
    assert summary["seed"] == 3
    assert {"command", "commit", "versions", "started", "machine"} <= set(summary)


def test_overlays_are_the_right_way_round_and_stay_in_their_folder(output_dir):
    names = sorted(path.name for path in (output_dir / "overlays").iterdir())
    assert names == [".._missed.png", "half.way.png", "right.png"]
    with Image.open(output_dir / "overlays" / ".._missed.png") as image:
        drawn = np.asarray(image).astype(int)
    # red 0, green and blue 0.6 * 255 = 153 where nothing is drawn; the missed gland is tinted, and named within
    tinted = (drawn != [0, 153, 153]).any(2)
    assert tinted.shape == (HEIGHT, WIDTH)
    assert tinted[BOX].all()
    assert not tinted[45:, :].any()
    assert not tinted[:, :45].any()


def test_gates_were_asked_and_everything_is_in_one_page(output_dir):
    page = (output_dir / "report.html").read_text(encoding="utf-8")
    # weights of expert 1: 0.2, 0.4, 0.6; spread sqrt((0.04 + 0 + 0.04) / 3) = 0.163
    assert "heeds its input: weights vary by up to ±0.16 between images" in page
    assert "<h2>Training</h2>" in page
    assert "../missed" in page
    assert sorted(path.name for path in output_dir.iterdir()) == [
        "gate_use.png", "metrics.csv", "metrics_summary.json", "overlays", "report.html"
    ]  # fmt: skip


class _OneExpert(_Network):
    def outputs(self, image):
        self.asked = getattr(self, "asked", 0) + 1
        return {"mask": image}


def test_a_single_expert_has_no_gate_to_tell_of(tmp_path):
    network, inferer = _OneExpert(), TileInferer(network_mpp=0.5, mpp=0.5)
    handler = EvaluationHandler(GlandEvaluation("testA", 0.5, network=network, inferer=inferer), tmp_path)
    batch = _collate([_item("a", "1", _box(), _box())])
    _evaluate(handler, network, [batch, batch], inferer)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["metrics.csv", "metrics_summary.json", "overlays", "report.html"]
    assert "expert" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    # once is enough to know
    assert network.asked == 1


class _Recording(_Network):
    """Keeps the images that it is given, to predict and to ask its gates."""

    def __init__(self):
        super().__init__()
        self.shown, self.asked = [], []

    def maps(self, image):
        self.shown.append(image.clone())
        return super().maps(image)

    def outputs(self, image):
        self.asked.append(image.clone())
        assert not self.training
        return super().outputs(image)


@pytest.mark.parametrize(
    ("inferer", "size"),
    [
        # the loader's order, (w, h): 96 x 64 at 0.5 µm, so 48 x 32 at 1 µm
        (TileInferer(network_mpp=1.0, mpp=0.5), (48, 32)),
        (TileInferer(network_mpp=0.5, mpp=0.5), (96, 64)),
        (SquareInferer(side_px=40), (40, 40)),
    ],
    ids=["resampled", "as it is", "squeezed"],
)
def test_gates_are_asked_on_what_the_network_was_shown(tmp_path, inferer, size):
    network = _Recording()
    item = _item("a", "1", _box(), _box())
    item["image"] = torch.rand(item["image"].shape, generator=torch.Generator().manual_seed(0))
    evaluation = GlandEvaluation("testA", 0.5, network=network, inferer=inferer)
    _evaluate(EvaluationHandler(evaluation, tmp_path), network, [_collate([item])], inferer)
    (shown,), (asked,) = network.shown, network.asked
    assert tuple(asked.shape) == (1, 3, *size)
    assert torch.equal(asked, shown)


def test_without_a_distance_the_pieces_of_the_mask_are_glands_and_a_list_of_items_is_fine(tmp_path):
    handler = EvaluationHandler(GlandEvaluation("validation", 0.5, min_area_um2=0), tmp_path)
    item = _item("a", None, _box(), _box())

    def step(engine, batch):
        engine.state.batch = [item]
        return [{"pred": torch.stack([1 - item["image"][0], item["image"][0]])}]

    evaluator = Engine(step)
    handler.attach(evaluator)
    evaluator.run([0])
    summary = json.loads((tmp_path / "metrics_summary.json").read_text())["sections"]["validation"]
    assert {name: score["mean"] for name, score in summary["scores"].items()} == {
        "dice": 1.0, "jaccard": 1.0, "hd95_um": 0.0, "asd_um": 0.0,
        "object_f1": 1.0, "object_dice": 1.0, "object_hausdorff_um": 0.0, "object_hausdorff_px": 0.0,
    }  # fmt: skip
