"""Killed and started again, a run ends with the same weights to the bit."""

import numpy as np
import pytest
import torch
from ignite.engine import Engine, Events
from monai.data import DataLoader, Dataset
from monai.transforms import RandGaussianNoised
from torch.utils.data import RandomSampler

from custom.checks import RequestError
from custom.training import Resume


class Step:
    """Its own stream of images, as the semi-supervised step has."""

    def __init__(self, loader, network, optimizer):
        self.loader, self.network, self.optimizer = loader, network, optimizer
        self.batches = None

    def restart(self):
        self.batches = iter(self.loader)

    def __call__(self, engine, batch):
        noisy = batch["x"] + next(self.batches)["x"] + torch.rand(1)
        self.optimizer.zero_grad()
        self.network(noisy).square().mean().backward()
        self.optimizer.step()


def loader(seed):
    items = [{"x": torch.full((1, 4), float(number))} for number in range(5)]
    dataset = Dataset(items, RandGaussianNoised(keys="x", prob=1.0))
    return DataLoader(dataset, batch_size=2, sampler=RandomSampler(dataset, num_samples=6))


def train(folder, epochs, stop_after=None, seed=0):
    torch.manual_seed(123)
    network = torch.nn.Linear(4, 1)
    optimizer = torch.optim.Adam(network.parameters())
    labelled, unlabelled = loader(1), loader(2)
    step = Step(unlabelled, network, optimizer)
    engine = Engine(step)
    datasets = [labelled.dataset, unlabelled.dataset]
    Resume(str(folder), {"network": network, "optimizer": optimizer}, seed, step, datasets).attach(engine)
    if stop_after:

        @engine.on(Events.ITERATION_COMPLETED(once=stop_after))
        def die():
            raise KeyboardInterrupt

    torch.rand(7)  # whatever was drawn before must not matter
    try:
        engine.run(labelled, max_epochs=epochs, epoch_length=3)
    except KeyboardInterrupt:
        return None
    return network.weight.detach().numpy()


def test_two_kills_leave_no_trace(tmp_path):
    whole = train(tmp_path / "whole", 5)
    assert train(tmp_path / "killed", 5, stop_after=5) is None  # in epoch 2
    assert train(tmp_path / "killed", 5, stop_after=7) is None  # in epoch 4 of what is left
    assert np.array_equal(train(tmp_path / "killed", 5), whole)


def test_another_seed_ends_elsewhere(tmp_path):
    assert not np.array_equal(train(tmp_path / "a", 2), train(tmp_path / "b", 2, seed=1))


def test_a_finished_run_stays_as_it_is(tmp_path):
    whole = train(tmp_path, 2)
    assert np.array_equal(train(tmp_path, 2), whole)


def test_what_is_no_checkpoint_is_refused_by_name(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"half a file")
    with pytest.raises(RequestError, match=r"checkpoint.pt: cannot be read as a checkpoint"):
        train(tmp_path, 1)


def test_a_checkpoint_of_other_parts_is_refused(tmp_path):
    torch.save({"epoch": 1, "state": {"network": {}}}, tmp_path / "checkpoint.pt")
    with pytest.raises(RequestError, match="optimizer"):
        train(tmp_path, 1)
