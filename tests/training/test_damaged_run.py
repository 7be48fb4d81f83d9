"""A run on a full disk, and one whose files were cut short: one line, and nothing that was there is lost."""

import numpy as np
import pytest
import torch

from custom.checks import RequestError
from custom.networks import weights
from tests.training.test_resume import train


def test_a_full_disk_costs_the_epoch_that_could_not_be_written_alone(tmp_path, monkeypatch):
    whole = train(tmp_path / "whole", 4)
    save, saved = torch.save, []

    def full(content, path):
        saved.append(path)
        if len(saved) < 3:
            return save(content, path)
        path.write_bytes(b"half of the third")
        raise RuntimeError("unexpected pos 64 vs 0")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(RequestError, match=r"checkpoint\.pt: cannot be written, is the disk full\?"):
            train(tmp_path / "full", 4)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["checkpoint.pt"]
    assert torch.load(tmp_path / "full" / "checkpoint.pt", weights_only=True)["epoch"] == 2
    assert np.array_equal(train(tmp_path / "full", 4), whole)


# Of the whole: nothing, a byte, within the head, the half, all but the last byte.
@pytest.mark.parametrize("share", [0, 1e-9, 0.05, 0.5, 0.9999])
def test_a_checkpoint_that_was_cut_short(tmp_path, share):
    train(tmp_path, 1)
    path = tmp_path / "checkpoint.pt"
    cut = path.read_bytes()
    cut = cut[: min(len(cut) - 1, int(np.ceil(share * len(cut))))]
    path.write_bytes(cut)
    with pytest.raises(RequestError, match=r"checkpoint\.pt: cannot be read.*remove it to start anew") as caught:
        train(tmp_path, 2)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == cut
    with pytest.raises(RequestError, match=r"checkpoint\.pt: not a checkpoint, or a damaged one") as caught:
        weights.read(path)
    assert "\n" not in str(caught.value)
