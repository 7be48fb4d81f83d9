import torch
from routing_time import WAYS, _heard

from custom.networks import M4oE
from custom.networks.mixture import ExpertMixture


def test_every_way_is_timed_against_the_release(script, rows):
    head, *lines = rows(script("routing_time", "--repeats", 1, "--sizes", "default", "--precisions", "float32"))
    assert head[:7] == ["network", "precision", "routing", "layers, s", "times", "step, s", "times"]
    assert [line[:3] for line in lines] == [["default", "float32", way] for way in WAYS]
    release = lines[0]
    assert release[4] == release[6] == "1.00"
    for line in lines:
        for column in (3, 5):
            # both are rounded: to a thousandth of a second, and to a hundredth
            slow, fast, times = (float(cell) for cell in (release[column], line[column], line[column + 1]))
            assert (slow - 0.0005) / (fast + 0.0005) - 0.0051 < times
            assert times * (fast - 0.0005) < slow + 0.0005 + 0.0051 * fast


def test_each_mixture_layer_is_heard_once_with_what_it_got():
    tasks = {"a": {"head": "a", "modality": "ct", "labels": {"1": "liver"}}}
    network = M4oE(tasks, stem="patch", embed=24, depths=(1, 2), heads=(2, 2), window=4)
    layers = [layer for layer in network.modules() if isinstance(layer, ExpertMixture)]
    image = torch.rand(1, 3, 32, 32)
    heard = _heard(network, lambda: network.outputs(image, torch.tensor([0])))
    assert [layer for layer, *_ in heard] == layers
    assert all(tokens.requires_grad and tokens.is_leaf for _, tokens, *_ in heard)
    _heard(network, lambda: None)
    assert not any(layer._forward_pre_hooks for layer in layers)
