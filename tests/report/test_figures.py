import numpy as np
import pytest
import torch

from custom.metrics import gate_moments
from custom.report.figures import curves_figure, gate_use_figure, gate_verdict

THIRD = 1 / 3


def _moments(weights):
    return gate_moments(torch.tensor(weights))


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([[THIRD, THIRD, THIRD]] * 5, "stays at the average, 1/3 each"),
        ([[0.2, 0.2, 0.6]] * 5, "ignores its input: every image gets nearly the same weights, expert 3 most"),
        ([[0.01, 0.98, 0.01], [0.0, 1.0, 0.0]], "uses expert 2 alone, at 0.99 on average"),
        # spread of expert 1: mean 0.6, deviations 0.3, 0.3, so 0.30; largest: expert 1 in one of two images
        ([[0.9, 0.1], [0.3, 0.7]], "vary by up to ±0.30 between images; largest is expert 1 in 50 %, expert 2 in 50 %"),
        ([[0.7, 0.3]], "prefers expert 1; one image cannot tell"),
        ([[1.0], [1.0]], "one expert only"),
        # a weight a pixel, (b, e, h, w): each image's mean is 1/2, but half of its pixels have 0.9 and half 0.1
        ([[[[0.9, 0.1]], [[0.1, 0.9]]]] * 3, "chooses by place, not by image: weights vary by up to ±0.40"),
    ],
)
def test_verdict_says_what_the_gate_does(weights, words):
    assert words in gate_verdict(_moments(weights))


def test_average_is_not_said_of_images_that_differ():
    # The means are 1/2 each, yet every image has a clear favourite.
    assert "heeds its input" in gate_verdict(_moments([[0.9, 0.1], [0.1, 0.9]]))


def test_gate_use_shows_every_image_each_mean_and_the_average():
    weights = [[0.5, 0.3, 0.2], [0.7, 0.1, 0.2], [0.6, 0.2, 0.2]]
    figure = gate_use_figure({"mask": _moments(weights), "distance": _moments([[0.5, 0.5]] * 4)})
    mask, distance = figure.axes
    points = [line.get_ydata() for line in mask.lines if line.get_marker() == "o"]
    assert np.allclose([sorted(column) for column in points], [[0.5, 0.6, 0.7], [0.1, 0.2, 0.3], [0.2, 0.2, 0.2]])
    bars = [line.get_ydata()[0] for line in mask.lines if line.get_marker() != "o" and len(line.get_xdata()) == 2]
    # the line at 1/3, then the means (0.5 + 0.7 + 0.6) / 3, (0.3 + 0.1 + 0.2) / 3, 0.2
    assert bars == pytest.approx([1 / 3, 0.6, 0.2, 0.2])
    assert "stays at the average" in distance.get_title(loc="left")


def test_experts_that_have_names_are_called_by_them():
    (axes,) = gate_use_figure({"ct": _moments([[0.9, 0.1], [0.9, 0.1]])}, ["ct", "cine_mr"]).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["ct", "cine_mr"]
    assert "expert ct most" in axes.get_title(loc="left").replace("\n", " ")


@pytest.mark.parametrize("use", [{}, {"mask": torch.zeros(0, 2, 3)}, {"mask": torch.zeros(4, 3)}])
def test_gate_use_of_nothing_is_refused(use):
    with pytest.raises(ValueError, match="got"):
        gate_use_figure(use)


def test_curves_have_a_panel_for_each_kind_and_skip_what_is_absent():
    history = [
        {"step": 10.0, "supervised/mask": 2.0, "supervised/distance": 1.0, "gate/mask/expert 1": 0.5},
        {"step": 20.0, "supervised/mask": float("nan"), "supervised/distance": 0.5, "validation/object_dice": 0.8},
    ]
    figure = curves_figure(history)
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_visible()}
    assert list(panels) == ["Losses on labelled images", "Validation", "Gate of mask: mean over images"]
    lines = {line.get_label(): line.get_xydata().tolist() for line in panels["Losses on labelled images"].lines}
    assert lines == {"mask": [[10.0, 2.0]], "distance": [[10.0, 1.0], [20.0, 0.5]]}
    assert panels["Losses on labelled images"].get_yscale() == "log"
    assert panels["Validation"].lines[0].get_xydata().tolist() == [[20.0, 0.8]]


def test_negative_losses_are_drawn_too():
    axes = curves_figure([{"step": 1.0, "supervised/mask": -0.5}, {"step": 2.0, "supervised/mask": 0.5}]).axes[0]
    assert axes.get_yscale() == "linear"


def test_curves_of_nothing_are_refused():
    with pytest.raises(ValueError, match="got \\['step'\\]"):
        curves_figure([{"step": 1.0}])
