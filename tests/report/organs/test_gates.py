import numpy as np
import pytest
import torch

from custom.metrics import gate_moments
from custom.report.organs.gates import (
    GateMaps,
    gate_maps_figure,
    gate_use_by_layer_figure,
    gate_warnings,
    layer_verdicts,
)

EXPERTS = ["ct", "mr"]


def moments(*weights):
    return gate_moments(torch.tensor(weights))


USE = {
    # three CT volumes, one of MR
    "ct": {
        "first": moments([0.9, 0.1], [0.8, 0.2], [0.7, 0.3]),
        "even": moments([0.5, 0.5], [0.5, 0.5], [0.5, 0.5]),
        "alone": moments([0.0, 1.0], [0.02, 0.98], [0.0, 1.0]),
    },
    "mr": {"first": moments([0.2, 0.8]), "even": moments([0.5, 0.5]), "alone": moments([0.04, 0.96])},
}


def test_each_layer_is_judged_over_all_modalities_alike():
    verdicts = layer_verdicts(USE, EXPERTS)
    # three of either: means of ct 0.9, 0.8, 0.7 and 0.2, 0.2, 0.2; mean 0.5, spread sqrt((0.16 + 0.09 + 0.04 + 3 *
    # 0.09) / 6) = 0.306
    assert verdicts["first"].startswith("heeds its input: weights vary by up to ±0.31 between volumes")
    assert verdicts["first"].endswith(
        "largest is expert ct in 50 %, expert mr in 50 % (on ct ct at 0.80, on mr mr at 0.80)"
    )
    assert verdicts["even"].startswith("stays at the average, 1/2 each")
    assert verdicts["alone"].startswith("uses expert mr alone")


def test_indifferent_and_collapsed_gates_are_warned_of():
    indifferent, collapsed = gate_warnings(USE, EXPERTS)
    assert "indifferent in 1 of 3 layers (even)" in indifferent
    assert "collapsed in 1 of 3 layers (alone)" in collapsed
    assert "one expert (mr)" in collapsed


def test_an_expert_alone_in_its_own_modality_is_no_collapse():
    own = {"ct": {"first": moments([1.0, 0.0])}, "mr": {"first": moments([0.0, 1.0])}}
    assert gate_warnings(own, EXPERTS) == []
    assert "heeds its input" in layer_verdicts(own, EXPERTS)["first"]
    assert gate_warnings({"ct": own["ct"]}, EXPERTS) == []


def test_one_expert_has_nothing_to_choose():
    one = {"ct": {"first": moments([1.0])}, "mr": {"first": moments([1.0])}}
    assert gate_warnings(one, ["shared"]) == []
    assert layer_verdicts(one, ["shared"])["first"].startswith("one expert only")


def test_all_layers_are_not_listed():
    use = {"ct": {f"layer {number}": moments([0.5, 0.5]) for number in range(6)}}
    assert "in all 6 layers" in gate_warnings(use, EXPERTS)[0]
    use["ct"]["other"] = moments([0.8, 0.2])
    assert "6 of 7 layers (layer 0, layer 1, layer 2, layer 3 and 2 more)" in gate_warnings(use, EXPERTS)[0]


def test_a_panel_a_modality_and_a_line_an_expert():
    figure = gate_use_by_layer_figure(USE, EXPERTS)
    ct, mr = figure.axes
    assert (ct.get_title(loc="left"), mr.get_title(loc="left")) == ("ct: 3 volumes", "mr: 1 volume")
    lines = {line.get_label(): line.get_ydata() for line in ct.lines if str(line.get_label()).startswith("expert")}
    assert lines["expert ct"] == pytest.approx([0.8, 0.5, 0.02 / 3])
    assert lines["expert mr"] == pytest.approx([0.2, 0.5, 1 - 0.02 / 3])
    assert [label.get_text() for label in ct.get_xticklabels()] == ["first", "even", "alone"]
    with pytest.raises(ValueError, match="got none"):
        gate_use_by_layer_figure({})


def test_maps_show_the_favourite_the_right_way_round():
    weights = np.zeros((2, 3, 2))
    weights[1] = [[0.9, 0.8], [0.7, 0.6], [0.6, 0.5]]
    weights[0] = 1 - weights[1]
    one = GateMaps("ct", "a", np.zeros((30, 20)), {"first": weights})
    figure = gate_maps_figure([one], EXPERTS)
    image, gate = figure.axes[:2]
    assert image.get_title(loc="left") == "ct: a"
    assert gate.get_title(loc="left") == "first: expert mr"
    # front on top (y reversed), the patient's right at the left (x reversed)
    assert np.asarray(gate.images[0].get_array()).tolist() == [[0.5, 0.6, 0.8], [0.6, 0.7, 0.9]]
    assert gate.images[0].get_extent() == image.images[0].get_extent()
    with pytest.raises(ValueError, match="got none"):
        gate_maps_figure([])
