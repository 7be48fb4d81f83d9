"""Two processes with different images take the same step: that of the mean of their gradients."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from custom.losses import AdaptiveMultiObjectiveLoss, SignedDistanceLoss
from custom.networks import AllOutputs
from custom.training import GlandStep


class Constant(nn.Module):
    """The distance is a learnt constant."""

    def __init__(self):
        super().__init__()
        self.distance = nn.Parameter(torch.zeros(1))

    def maps(self, image):
        return image

    def outputs(self, image):
        return {"distance": self.distance.view(1, 1, 1, 1).expand(len(image), 1, 4, 4)}


def work(rank, folder):
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    network, objective = Constant(), AdaptiveMultiObjectiveLoss({"distance": 1.0}, start=0.0)
    optimizers = [torch.optim.SGD(part.parameters(), lr=0.1) for part in (network, objective)]
    step = GlandStep(objective, {"distance": SignedDistanceLoss("mse")}, optimizers, [])
    target = torch.full((2, 1, 4, 4), 1.0 - rank)
    batch = {"image": torch.rand(2, 3, 4, 4), "distance": target, "path": ["a", "b"]}
    view = DistributedDataParallel(AllOutputs(network))
    step(SimpleNamespace(network=view, state=SimpleNamespace(iteration=1)), batch)
    torch.save([network.distance.detach(), objective.s.detach()], f"{folder}/{rank}.pt")
    # Freed after the group, it would wait for gloo's thread, which may wait for Python's lock: a deadlock in torch.
    del view
    torch.distributed.destroy_process_group()


def test_the_network_and_the_objective_take_the_mean_gradient(tmp_path):
    torch.multiprocessing.spawn(work, (str(tmp_path),), nprocs=2)
    for rank in (0, 1):
        distance, s = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        # d/dv (v - t)^2 = -2 for t = 1 and 0 for t = 0: mean -1, times the learning rate 0.1
        assert distance.item() == pytest.approx(0.1)
        # d/ds exp(-s) L + 0.4 exp(s) at s = 0 is -L + 0.4: -0.6 for L = 1 and 0.4 for L = 0, mean -0.1
        assert s.item() == pytest.approx(0.01)
