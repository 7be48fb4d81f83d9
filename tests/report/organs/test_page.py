import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from custom import data
from custom.metrics import gate_moments
from custom.report.findings import Case, Findings
from custom.report.organs.gates import GateMaps
from custom.report.organs.page import ORGANS, GateRecord, organs_figure
from custom.report.organs.scores import ORGANS_8, OrganScores
from custom.report.page import report_page

EVIL = "<script>"
TASKS = {
    "pair": {"modality": "ct", "labels": {"1": "liver", "2": f"tumour {EVIL}"}},
    "eight": {"modality": "mr", "labels": {str(number): organ for number, organ in enumerate(ORGANS_8, 1)}},
}


def scored():
    scores = OrganScores(TASKS, {"pair": 1.0})
    label = np.zeros((6, 6, 6), np.uint8)
    label[:3] = 1
    for name, prediction in (("right", label), ("missed", label * 0), (f"extra {EVIL}", np.where(label, label, 2))):
        scores.add("pair", name, "7", prediction, label, (1.0, 1.0, 1.0))
    eight = np.broadcast_to(np.arange(1, 9, dtype=np.uint8)[:, None, None], (8, 3, 3))
    scores.add("eight", "b", "9", eight, eight, (1.0, 1.0, 1.0))
    return scores


@pytest.fixture(scope="module")
def page():
    scores = scored()
    summary = scores.summary()
    groups = {
        task: {**found, "scores": found["mean"]["scores"], "by_organ": scores.organ_values(task)}
        for task, found in summary.items()
    }
    groups["eight"]["scores"] = {**groups["eight"]["scores"], "dice_8": summary["eight"]["mean_8"]["scores"]["dice"]}
    rows = {task: scores.volumes(task) for task in summary}
    picture = np.zeros((30, 50, 3), np.uint8)
    cases = [
        Case("worst", rows["pair"][1], None, picture, "pair"),
        Case("best", rows["eight"][0], None, picture, "eight"),
    ]
    moments = {
        "ct": {f"layer {number}": gate_moments(torch.full((2, 2), 0.5)) for number in range(7)},
        "mr": {f"layer {number}": gate_moments(torch.full((1, 2), 0.5)) for number in range(7)},
    }
    maps = [GateMaps("ct", "right", np.zeros((8, 6)), {"layer 0": np.full((2, 4, 3), 0.5)})]
    record = GateRecord(moments, maps, ["ct", "mr"])
    return report_page(Findings(ORGANS, scores.rows, {}, groups, rows, cases, record), {})


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)))


def test_the_head_compares_the_tasks(page):
    text = words(page)
    assert "Organ segmentation, evaluated on pair and eight" in text
    assert "pair: 3 volumes, 1 patient; eight: 1 volume, 1 patient" in text
    # liver 1, 0, 1: 2/3; tumour 0 of the one volume that counts: mean 1/3
    assert re.search(r"pair 3 0\.333 +0\.", text)
    assert re.search(r"eight 1 1\.000 1\.000 1\.000 0\.0", text)


def test_each_organ_has_a_row_and_means_come_last(page):
    text = words(page)
    assert re.search(r"liver 0\.667 (n/a to n/a )?0\.667 3\.5 3 1 0", text)
    assert re.search(r"tumour &lt;script&gt; 0\.000 (n/a to n/a )?0\.000 10\.4 0 0 1", text)
    assert re.search(r"mean over 2 organs 0\.333 ", text)
    assert re.search(r"mean over 8 organs 1\.000 (n/a to n/a )?1\.000 0\.0 mean over the 8 organs of most", text)
    assert "Surface Dice at 1 mm." in text
    assert "Surface Dice at 2 mm." in text


def test_volumes_are_told_of_in_words_and_escaped(page):
    text = words(page)
    assert EVIL not in page
    assert "Worst: missed , patient 7. 1 organ in the reference, 1 missed." in text
    assert "Best: b , patient 9. 8 organs in the reference, 0 missed." in text
    assert ORGANS.counted({"organs": 2, "missed": 0, "extra": 1}).endswith("0 missed, 1 found that it does not hold.")
    assert "pair: every volume Worst first." in text


def test_the_note_says_what_is_done_to_predictions(page):
    text = words(page)
    assert "of an organ that is one piece by its data set's declaration, the largest connected piece is kept" in text
    assert "post-processing" not in text


def test_gates_are_judged_and_many_verdicts_are_folded_away(page):
    text = words(page)
    assert "The gate is indifferent in all 7 layers: it only averages the experts." in text
    assert "<details><summary>What each of the 7 gates does</summary>" in page
    # two cases, organs of the task with three volumes, gates by layer, gate maps
    assert page.count("data:image") == 5


def test_the_figure_shows_every_organ():
    figure = organs_figure(scored().organ_values("pair"))
    dice, hd95 = figure.axes
    assert sorted(dice.lines[0].get_xdata()) == [0, 1, 1]
    assert dice.lines[1].get_xdata() == pytest.approx([2 / 3, 2 / 3])
    # of the tumour the one volume that counts
    assert dice.lines[2].get_xdata().tolist() == [0]
    assert len(hd95.lines) == 4
    # a miss costs the diagonal, sqrt(3 * 6^2) = 10.4 mm: all that is seen lies within the axis, and can be read off
    assert hd95.get_xlim()[1] > 10.4
    shown = [tick for tick in hd95.get_xticks() if 0 <= tick <= 10.4]
    assert shown == pytest.approx([0, 1, 2, 5, 10])
    with pytest.raises(ValueError, match="got none"):
        organs_figure({})


def test_the_mean_over_eight_organs_stands_beside_that_over_all_of_btcv():
    tasks = {"btcv": {"modality": "ct", "labels": declaration("btcv")["labels"]}}
    scores = OrganScores(tasks)
    label = np.broadcast_to(np.arange(14, dtype=np.uint8)[:, None, None], (14, 3, 3)).copy()
    found = np.where(label == 5, 0, label)  # the esophagus, which is none of the eight, is missed
    scores.add("btcv", "a", "1", found, label, (1.0, 1.0, 1.0))
    section = scores.summary()["btcv"]
    text = words(ORGANS.table(section, []))
    # 12 of 13: 0.923
    assert re.search(
        r"mean over 13 organs 0\.923 n/a to n/a .* mean over the 8 organs of most BTCV tables 1\.000", text
    )
    # Without a gallbladder in any volume seven are left; an organ that is neither there nor found counts nowhere.
    scores = OrganScores(tasks)
    scores.add("btcv", "a", "1", np.where(label == 4, 0, found), np.where(label == 4, 0, label), (1.0, 1.0, 1.0))
    text = words(ORGANS.table(scores.summary()["btcv"], []))
    assert "mean over 12 organs 0.917" in text
    assert "mean over 7 of the 8 organs of most BTCV tables 1.000" in text


@pytest.mark.parametrize("name", ["btcv", "amos22", "flare22"])
def test_the_eight_organs_are_named_as_the_data_sets_name_them(name):
    assert set(ORGANS_8) <= set(declaration(name)["labels"].values())


def declaration(name):
    return json.loads((Path(data.__file__).parent / "volumes" / "declared" / f"{name}.json").read_text())
