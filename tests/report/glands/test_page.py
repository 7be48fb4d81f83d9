import re

import pytest
import torch

from custom.metrics import gate_moments
from custom.report.glands.page import GLANDS, scores_figure


def test_scores_show_shares_and_distances_apart():
    figure = scores_figure([{"dice": 0.8, "asd_um": 3.0}, {"dice": 0.6, "asd_um": float("nan")}])
    shares, distances = figure.axes
    assert sorted(shares.lines[0].get_xdata()) == [0.6, 0.8]
    assert shares.lines[1].get_xdata() == pytest.approx([0.7, 0.7])
    assert distances.lines[0].get_xdata().tolist() == [3.0]
    with pytest.raises(ValueError, match="got none"):
        scores_figure([])


def test_the_table_has_median_and_worst_and_what_is_pooled():
    rows = [{"dice": 0.5, "asd_um": 4.0}, {"dice": 0.9, "asd_um": 1.0}, {"dice": 0.7, "asd_um": 2.0}]
    # means (0.5 + 0.9 + 0.7) / 3 and (4 + 1 + 2) / 3 = 2.33
    scores = {"dice": {"mean": 0.7, "low": 0.6, "high": 0.8}, "asd_um": {"mean": 7 / 3, "low": 1.0, "high": 4.0}}
    page = GLANDS.table({"scores": scores, "pooled": {"mdice": 0.777}}, rows)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    # the worst share is the lowest, the worst distance the largest
    assert "Dice 0.700 0.600 to 0.800 0.700 0.500" in text
    assert "ASD (µm) 2.3 1.0 to 4.0 2.0 4.0" in text
    assert "mDice, pooled 0.777" in text
    assert "mJaccard" not in text


def test_a_figure_needs_three_images():
    rows = [{"dice": 0.5}] * 3
    assert GLANDS.figure({}, rows[:2]) is None
    assert len(GLANDS.figure({}, rows).axes) == 1


def test_an_image_is_told_of_by_its_glands_where_they_were_counted():
    assert GLANDS.counted({"predicted": 4, "glands": 3}) == "Glands: 4 found, 3 drawn."
    assert GLANDS.counted({"dice": 0.5}) == ""


def test_every_gate_has_a_verdict_of_its_own():
    use = {"mask": gate_moments(torch.full((3, 3), 1 / 3)), "distance": gate_moments(torch.tensor([[1.0, 0.0]] * 3))}
    gates = GLANDS.gates(use)
    assert list(gates.verdicts) == ["mask", "distance"]
    assert gates.verdicts["mask"].startswith("stays at the average, 1/3 each")
    assert gates.verdicts["distance"].startswith("uses expert 1 alone")
    ((figure, _, _),) = gates.figures
    assert len(figure.axes) == 2
