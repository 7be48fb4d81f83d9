import pytest
import torch
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from custom.networks import AllOutputs, M4oE, SemiMoE, SharedEncoder, unwrap


@pytest.fixture(scope="module")
def network():
    return SemiMoE(SharedEncoder(pretrained=False)).eval()


def test_forward_is_outputs(network):
    image = torch.rand(1, 3, 32, 32)
    ours, theirs = AllOutputs(network)(image), network.outputs(image)
    assert list(ours) == list(theirs)
    for key, value in ours.items():
        assert torch.equal(value, theirs[key])


def test_for_several_data_sets_it_takes_the_tasks_too():
    task = {"head": "btcv", "modality": "ct", "labels": {"1": "spleen"}}
    network = M4oE({"btcv": task}, embed=4, depths=(1,), heads=(1,)).eval()
    image, number = torch.rand(2, 3, 16, 16), torch.tensor([0, 0])
    assert torch.equal(AllOutputs(network)(image, number)["logits"], network.outputs(image, number)["logits"])
    assert unwrap(AveragedModel(AllOutputs(network))).task_names == ["btcv"]
    scripted = torch.jit.script(network)
    assert unwrap(AllOutputs(scripted)) is scripted


def test_unwrap(network):
    assert unwrap(network) is network
    assert unwrap(AllOutputs(network)) is network
    assert isinstance(unwrap(AveragedModel(AllOutputs(network))), SemiMoE)
    with pytest.raises(ValueError, match="got Linear"):
        unwrap(torch.nn.Linear(1, 1))


def test_unwrap_distributed(network, tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    try:
        assert unwrap(DistributedDataParallel(AllOutputs(network))) is network
    finally:
        torch.distributed.destroy_process_group()
