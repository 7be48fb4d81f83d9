import math

import numpy as np
import pytest

from custom.report.glands.scores import GlandScores


def _ids(*boxes, shape=(8, 8)):
    ids = np.zeros(shape, dtype=np.int32)
    for number, box in enumerate(boxes, start=1):
        ids[box] = number
    return ids


def test_a_row_holds_all_scores_of_an_image():
    scores = GlandScores(mpp=0.5)
    # label: rows 0-3, columns 0-3 (16 pixels); found: rows 0-3, columns 2-5 (16 pixels); shared: 8
    found = _ids(np.s_[:4, 2:6])
    scores.add("a", "7", found > 0, _ids(np.s_[:4, :4]), found)
    (row,) = scores.rows
    assert list(row) == [
        "id", "patient", "dice", "jaccard", "hd95_um", "asd_um", "object_f1", "object_dice", "object_hausdorff_um",
        "object_hausdorff_px", "glands", "predicted", "missed", "extra", "merged", "split",
    ]  # fmt: skip
    assert row["dice"] == pytest.approx(2 * 8 / 32)
    assert row["jaccard"] == pytest.approx(8 / 24)
    # 8 of the label's 16 pixels are covered: a true positive
    assert row["object_f1"] == 1.0
    assert row["object_dice"] == pytest.approx(0.5)
    # columns 0 and 5 are two pixels from the other's nearest column
    assert row["object_hausdorff_px"] == pytest.approx(2.0)
    assert row["object_hausdorff_um"] == pytest.approx(1.0)
    assert (row["glands"], row["predicted"]) == (1, 1)
    # half of each is in the other: nothing is wrong with it
    assert [row[kind] for kind in ("missed", "extra", "merged", "split")] == [0, 0, 0, 0]


def test_pixels_are_scored_on_the_mask_and_objects_on_the_glands():
    scores = GlandScores(mpp=0.5)
    label = _ids(np.s_[:4, :4])
    scores.add("a", "", _ids(np.s_[:4, 2:6]), label, label)
    assert scores.rows[0]["dice"] == pytest.approx(0.5)
    assert scores.rows[0]["object_dice"] == 1.0


def test_summary_is_the_mean_over_images_and_pools_pixels():
    scores = GlandScores(mpp=0.5)
    scores.add(
        "a", "1", _ids(np.s_[:4, 2:6]), _ids(np.s_[:4, :4]), _ids(np.s_[:4, 2:6])
    )  # Dice 1/2: 8 of 16 and 16 shared
    scores.add("b", "2", _ids(np.s_[:1, :4]), _ids(np.s_[:1, :4]), _ids(np.s_[:1, :4]))  # Dice 1: 4 shared
    scores.add("c", "2", _ids(), _ids(np.s_[:1, :4]), _ids())  # Dice 0: 4 missed
    summary = scores.summary(seed=1)
    assert (summary["images"], summary["patients"]) == (3, 2)
    dice = summary["scores"]["dice"]
    assert dice["mean"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert 0 <= dice["low"] <= dice["mean"] <= dice["high"] <= 1
    # Gland: shared 8 + 4 = 12, found 16 + 4 = 20, label 16 + 4 + 4 = 24: Dice 24 / 44.
    # Background of 3 * 64 pixels: shared 192 - (20 + 24 - 12) = 160, found 172, label 168: Dice 320 / 340.
    assert summary["pooled"]["mdice"] == pytest.approx((24 / 44 + 320 / 340) / 2)
    assert summary["pooled"]["mjaccard"] == pytest.approx((12 / 32 + 160 / 180) / 2)


def test_images_without_glands_are_counted_apart():
    scores = GlandScores(mpp=0.5)
    box = _ids(np.s_[:4, :4])
    for name, label, found in [("a", box, box), ("b", _ids(), _ids()), ("c", _ids(), box)]:
        scores.add(name, "", found > 0, label, found)
    assert scores.summary()["without_glands"] == {"images": 2, "none_found": 1}


def test_an_interval_says_nothing_where_nothing_varies_and_patients_may_be_unknown():
    scores = GlandScores(mpp=0.5)
    scores.add("a", "", _ids(np.s_[:4, :4]), _ids(np.s_[:4, :4]), _ids(np.s_[:4, :4]))
    summary = scores.summary()
    assert summary["patients"] is None
    assert math.isnan(summary["scores"]["dice"]["low"])
    with pytest.raises(ValueError, match="no image"):
        GlandScores(0.5).summary()
