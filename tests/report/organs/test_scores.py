import math

import numpy as np
import pytest

from custom.report.organs.scores import ORGANS_8, OrganScores

SHAPE, SPACING = (8, 8, 8), (1.0, 1.0, 2.0)
TASKS = {
    "pair": {"modality": "ct", "labels": {"1": "liver", "4": "tumour"}},
    "eight": {"modality": "mr", "labels": {str(i): organ for i, organ in enumerate([*ORGANS_8, "esophagus"], 1)}},
}
DIAGONAL = math.sqrt(8**2 + 8**2 + 16**2)


def channels(**boxes):
    volume = np.zeros(SHAPE, dtype=np.uint8)
    for name, box in boxes.items():
        volume[box] = int(name[1:])
    return volume


@pytest.fixture
def scores():
    scores = OrganScores(TASKS, {"pair": 1.0})
    liver = np.s_[:4, :4, :4]
    # liver right, no tumour and none found
    scores.add("pair", "a", "1", channels(c1=liver), channels(c1=liver), SPACING)
    # liver half overlapped: 2 of 4 layers of either; tumour found where there is none
    scores.add("pair", "b", "1", channels(c1=np.s_[2:6, :4, :4], c2=np.s_[6:, 6:, 6:]), channels(c1=liver), SPACING)
    # liver right, tumour missed
    scores.add("pair", "c", "2", channels(c1=liver), channels(c1=liver, c2=np.s_[6:, 6:, 6:]), SPACING)
    return scores


def test_a_row_is_a_volume_and_an_organ(scores):
    assert list(scores.rows[0]) == [
        "task", "id", "patient", "organ", "dice", "hd95_mm", "surface_dice", "outcome", "label_ml", "predicted_ml"
    ]  # fmt: skip
    assert [(row["id"], row["organ"], row["outcome"]) for row in scores.rows] == [
        ("a", "liver", "found"), ("a", "tumour", "absent"), ("b", "liver", "found"), ("b", "tumour", "extra"),
        ("c", "liver", "found"), ("c", "tumour", "missed"),
    ]  # fmt: skip
    assert [row["dice"] for row in scores.rows] == pytest.approx([1, math.nan, 0.5, 0, 1, 0], nan_ok=True)


def test_summary_counts_and_means(scores):
    summary = scores.summary()["pair"]
    assert (summary["modality"], summary["volumes"], summary["patients"]) == ("ct", 3, 2)
    assert summary["tolerance_mm"] == 1.0
    liver, tumour = summary["organs"]["liver"], summary["organs"]["tumour"]
    assert (liver["cases"], liver["misses"], liver["false_positives"]) == (3, 0, 0)
    assert (tumour["cases"], tumour["misses"], tumour["false_positives"]) == (1, 1, 1)
    assert liver["scores"]["dice"]["mean"] == pytest.approx((1 + 0.5 + 1) / 3)
    # patients 1 1: (1 + 0.5) / 2; 1 2: 2.5 / 3; 2 2: 1
    assert (liver["scores"]["dice"]["low"], liver["scores"]["dice"]["high"]) == pytest.approx((0.75, 1.0))
    # of the two volumes where it counts
    assert tumour["scores"]["dice"]["mean"] == 0.0
    assert tumour["scores"]["hd95_mm"]["mean"] == pytest.approx(DIAGONAL)
    # over organs: the mean of 2.5 / 3 and 0
    assert summary["mean"]["organs"] == 2
    assert summary["mean"]["scores"]["dice"]["mean"] == pytest.approx((2.5 / 3 + 0) / 2)
    # patients 1 1: (0.75 + 0) / 2; 2 2: (1 + 0) / 2
    assert summary["mean"]["scores"]["dice"]["low"] == pytest.approx(0.375)
    assert summary["mean"]["scores"]["dice"]["high"] == pytest.approx(0.5)
    assert "mean_8" not in summary


def test_a_volume_is_the_mean_over_what_counts_in_it(scores):
    rows = scores.volumes("pair")
    assert [row["dice"] for row in rows] == pytest.approx([1.0, 0.25, 0.5])
    assert [(row["organs"], row["missed"], row["extra"]) for row in rows] == [(1, 0, 0), (1, 0, 1), (2, 1, 0)]
    assert "dice_8" not in rows[0]


def test_eight_organs_have_a_mean_of_their_own_and_patients_may_be_unknown():
    scores = OrganScores(TASKS)
    label = channels(**{f"c{i}": np.s_[i - 1 : i] for i in range(1, 9)})
    found = np.where(label == 1, 0, label)  # the spleen is missed
    found[0, :2] = 9  # and the esophagus found where there is none
    scores.add("eight", "a", "", found, label, SPACING)
    summary = scores.summary()["eight"]
    assert (summary["volumes"], summary["patients"], summary["tolerance_mm"]) == (1, None, 2.0)
    assert summary["mean_8"]["organs"] == 8
    assert summary["mean_8"]["scores"]["dice"]["mean"] == pytest.approx(7 / 8)
    assert summary["mean"]["scores"]["dice"]["mean"] == pytest.approx(7 / 9)
    assert math.isnan(summary["mean"]["scores"]["dice"]["low"])
    assert scores.volumes("eight")[0]["dice_8"] == pytest.approx(7 / 8)


def test_an_organ_that_no_volume_has_does_not_count():
    scores = OrganScores(TASKS)
    scores.add("pair", "a", "1", channels(c1=np.s_[:4]), channels(c1=np.s_[:4]), SPACING)
    summary = scores.summary()["pair"]
    assert math.isnan(summary["organs"]["tumour"]["scores"]["dice"]["mean"])
    assert summary["organs"]["tumour"]["cases"] == 0
    assert (summary["mean"]["organs"], summary["mean"]["scores"]["dice"]["mean"]) == (1, 1.0)


def test_a_volume_without_anything_has_no_score():
    scores = OrganScores(TASKS)
    scores.add("pair", "a", "1", channels(), channels(), SPACING)
    assert math.isnan(scores.volumes("pair")[0]["dice"])
    assert scores.summary()["pair"]["mean"]["organs"] == 0


def test_a_tolerance_of_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="among pair, eight, got pear"):
        OrganScores(TASKS, {"pear": 1.0})
