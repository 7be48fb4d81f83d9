import csv
import json
import logging
import re

import nibabel as nib
import numpy as np
import pytest
import torch
from ignite.engine import Engine, Events
from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import PrepareBatchExtraInput, SupervisedEvaluator
from torch import nn

from custom.inference import VolumeInferer
from custom.report.evaluation_handler import EvaluationHandler
from custom.report.organs.evaluation import OrganEvaluation

TASKS = {
    "abdomen": {"modality": "ct", "spacing": [2.0, 2.0], "labels": {"1": "liver", "6": "spleen"}},
    "heart": {"modality": "mr", "spacing": [1.0, 1.0], "labels": {"3": "ventricle"}},
}


class Network(nn.Module):
    """Finds the first organ where the middle slice is bright; its gates follow task, padding included."""

    expert_names = ("ct", "mr")
    multiple = 16

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.shown, self.asked = [], []

    def several(self, image, numbers):
        self.shown += list(image.clone())
        bright = (image[:, 1] - 0.5) * self.scale
        classes = [len(facts["labels"]) + 1 for facts in TASKS.values()]
        return [
            torch.stack([-bright, bright] + [torch.full_like(bright, -9)] * (classes[number] - 2), 1)
            for number in numbers
        ]

    def outputs(self, image, task):
        self.asked.append((image.clone(), task.tolist()))
        height, width = (-(-side // 16) * 2 for side in image.shape[2:])  # tokens of 8 pixels of the padded slice
        own = torch.nn.functional.one_hot(task, 2).float()[..., None, None].expand(-1, -1, height, width).clone()
        # What lies in the padding uses the other expert.
        own[..., -1, :] = own[..., -1, :].flip(1)
        return {"logits": image, "a_gate": own, "b_gate": torch.full_like(own, 0.5), "router_z": torch.zeros(())}


def item(name, task, box, extra=None, axes="LPS"):
    """A volume whose first organ is bright; its reference has a second organ, not seen by the network, at `extra`."""
    image, label = np.zeros((24, 24, 6), np.float32), np.zeros((24, 24, 6), np.uint8)
    image[box], label[box] = 1, 1
    if extra is not None:
        label[extra] = 2
    turn = nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(axes))
    image, label = (nib.Nifti1Image(one, np.diag([2.0, 2, 4, 1])).as_reoriented(turn) for one in (image, label))
    tensors = [
        MetaTensor(torch.from_numpy(np.ascontiguousarray(one.dataobj))[None], affine=one.affine)
        for one in (image, label)
    ]
    return {"image": tensors[0], "label": tensors[1], "task": task, "id": name, "patient": name[0]}


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("volumes") / "out"
    box = np.s_[4:16, 6:20, 1:5]
    items = [
        item("1a", "abdomen", box),
        item("1b", "abdomen", box, np.s_[18:22, 2:5, 1:3]),
        item("2", "abdomen", box, axes="SAR"),
        item("3", "heart", box),
    ]
    network, inferer = Network(), VolumeInferer(TASKS)
    evaluation = OrganEvaluation("test", TASKS, {"heart": 1.0}, network, inferer)
    handler = EvaluationHandler(evaluation, folder, config={"a": 1}, seed=3)
    evaluator = SupervisedEvaluator(
        torch.device("cpu"), DataLoader(Dataset(items), batch_size=1), network, inferer=inferer,
        prepare_batch=PrepareBatchExtraInput({"task": "task"}), val_handlers=[handler],
    )  # fmt: skip
    evaluator.logger.setLevel(logging.WARNING)
    evaluator.run()
    return folder, network


def test_each_volume_and_organ_has_a_row(evaluated):
    with open(evaluated[0] / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["task"], row["id"], row["patient"], row["organ"], row["outcome"]) for row in rows] == [
        ("abdomen", "1a", "1", "liver", "found"), ("abdomen", "1a", "1", "spleen", "absent"),
        ("abdomen", "1b", "1", "liver", "found"), ("abdomen", "1b", "1", "spleen", "missed"),
        ("abdomen", "2", "2", "liver", "found"), ("abdomen", "2", "2", "spleen", "absent"),
        ("heart", "3", "3", "ventricle", "found"),
    ]  # fmt: skip
    # the spacing is the task's: nothing is lost; at 1 mm the heart is seen through a grid twice as fine
    assert [float(row["dice"]) for row in rows if row["organ"] == "liver"] == [1, 1, 1]
    assert float(rows[-1]["dice"]) > 0.95
    # 12 * 14 * 4 voxels of 16 mm³
    assert float(rows[0]["label_ml"]) == pytest.approx(12 * 14 * 4 * 16 / 1000)
    # 48 x 48 x 24 mm
    assert float(rows[3]["hd95_mm"]) == pytest.approx(np.sqrt(48**2 + 48**2 + 24**2), rel=1e-5)


def test_summary_holds_tasks_and_evidence(evaluated):
    summary = json.loads((evaluated[0] / "metrics_summary.json").read_text())
    assert (summary["section"], summary["seed"], summary["config"]) == ("test", 3, {"a": 1})
    assert list(summary["tasks"]) == ["abdomen", "heart"]
    abdomen = summary["tasks"]["abdomen"]
    assert (abdomen["volumes"], abdomen["patients"]) == (3, 2)
    assert abdomen["organs"]["spleen"]["misses"] == 1
    assert abdomen["mean"]["scores"]["dice"]["mean"] == 0.5
    assert summary["tasks"]["heart"]["tolerance_mm"] == 1.0
    # one patient: nothing can be said
    assert summary["tasks"]["heart"]["mean"]["scores"]["dice"]["low"] is None
    assert {"command", "commit", "versions", "started", "machine"} <= set(summary)


def test_every_volume_has_an_overlay_and_the_page_shows_none_twice(evaluated):
    names = sorted(path.name for path in (evaluated[0] / "overlays").iterdir())
    assert names == ["abdomen_1a.png", "abdomen_1b.png", "abdomen_2.png", "heart_3.png"]
    page = (evaluated[0] / "report.html").read_text(encoding="utf-8")
    shown = re.findall(r"<figcaption>.*?</figcaption>", page, re.DOTALL)
    assert len([words for words in shown if "Dice" in words]) == 4


def test_patients_that_were_learnt_from_are_counted(tmp_path):
    items = [item(name, "heart", np.s_[4:16, 6:20, 1:5]) for name in ("1a", "1b", "2")]
    run(OrganEvaluation("test", TASKS, trained_patients={"1", "9"}), tmp_path, items)
    summary = json.loads((tmp_path / "metrics_summary.json").read_text())
    assert summary["tasks"]["heart"]["patients"] == 2
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "1 of the 2 patients" in page


def test_gates_are_asked_on_filled_slices_at_the_tasks_spacing_without_the_padding(evaluated):
    folder, network = evaluated
    # slices 1 to 4 are filled; 24 pixels of 2 mm stay 24 at 2 mm and are 48 at 1 mm
    asked = [(tuple(slices.shape), task) for slices, task in network.asked]
    assert asked == [((4, 3, 24, 24), [0] * 4)] * 3 + [((4, 3, 48, 48), [1] * 4)]
    page = (folder / "report.html").read_text(encoding="utf-8")
    # 24 is padded to 32, whose last row of tokens lies outside; 48 is not, and its last of 6 rows is the other's.
    assert "(on ct ct at 1.00, on mr mr at 0.83)" in page
    assert "The gate is indifferent in 1 of 2 layers (b)" in page
    assert "collapsed" not in page


def test_gates_are_asked_on_what_the_network_was_shown(evaluated):
    network = evaluated[1]
    # 6 slices of each volume went through, of which the gates are asked on 1 to 4
    assert len(network.shown) == 4 * 6
    for number, (slices, _) in enumerate(network.asked):
        assert torch.equal(slices, torch.stack(network.shown[6 * number + 1 : 6 * number + 5]))


def test_everything_is_there(evaluated):
    assert sorted(path.name for path in evaluated[0].iterdir()) == [
        "gate_maps.png", "gate_use.png", "metrics.csv", "metrics_summary.json", "overlays", "report.html"
    ]  # fmt: skip


def run(evaluation, folder, items):
    def step(engine, one):
        engine.state.batch = [one]
        return [{"pred": one["label"]}]

    evaluator = Engine(step)
    EvaluationHandler(evaluation, folder).attach(evaluator)
    evaluator.run(items)


def test_without_a_network_gates_are_left_out(tmp_path):
    run(OrganEvaluation("test", TASKS), tmp_path, [item("a", "heart", np.s_[4:16, 6:20, 1:5])])
    assert {path.name for path in tmp_path.iterdir()} == {
        "metrics.csv", "metrics_summary.json", "overlays", "report.html"
    }  # fmt: skip
    assert "Which experts are used" not in (tmp_path / "report.html").read_text()


def test_where_there_is_nothing_to_choose_gates_are_left_out(tmp_path):
    network = Network()
    network.outputs = lambda image, task: {"logits": image}
    evaluation = OrganEvaluation("test", TASKS, network=network, inferer=VolumeInferer(TASKS))
    run(evaluation, tmp_path, [item("a", "heart", np.s_[4:16, 6:20, 1:5])])
    assert not list(tmp_path.glob("gate*"))
    assert "expert" not in (tmp_path / "report.html").read_text()


def test_where_nothing_was_scored_nothing_is_written(tmp_path):
    evaluator = Engine(lambda engine, one: None)
    EvaluationHandler(OrganEvaluation("test", TASKS), tmp_path).attach(evaluator)
    evaluator.fire_event(Events.STARTED)
    evaluator.fire_event(Events.COMPLETED)
    assert list(tmp_path.iterdir()) == []
