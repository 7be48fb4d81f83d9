import pytest
import torch

from custom.checks import RequestError
from custom.networks import M4oE, unwrap
from custom.training import MaskedReconstruction

TASKS = {
    "btcv": {"head": "btcv", "modality": "ct", "labels": {"1": "spleen"}},
    "acdc": {"head": "acdc", "modality": "mr", "labels": {"1": "ventricle"}},
}


def make(stem="efficientnet-lite0", ratio=0.75, **arguments):
    torch.manual_seed(0)
    stages = 3 if stem == "patch" else 2  # so that a square of 16 pixels divides the multiple
    sizes = {"embed": 12, "depths": [1] * stages, "heads": [2] * stages, "window": 3}
    return MaskedReconstruction(M4oE(TASKS, stem=stem, **{**sizes, **arguments}), ratio)


def hidden(phase, image, task):
    """Which pixels the reconstruction does not depend on, `(b, h, w)`: those that are masked."""
    image = image.clone().requires_grad_()
    _, drawn = phase(image, task)
    drawn.square().sum().backward()
    return (image.grad == 0).all(1)


@pytest.mark.parametrize("stem", ["efficientnet-lite0", "patch"])
def test_whole_squares_are_masked_and_nothing_of_them_is_seen(stem):
    phase = make(stem).eval()
    masked = hidden(phase, torch.rand(3, 3, 64, 96), torch.tensor([0, 1, 0]))
    squares = masked.unflatten(1, (4, 16)).unflatten(3, (6, 16)).float().mean((2, 4))
    assert ((squares == 0) | (squares == 1)).all()
    assert squares.sum((1, 2)).tolist() == [18, 18, 18]  # 0.75 of 24, in each image
    assert not torch.equal(squares[0], squares[1])


def test_the_loss_is_the_mean_error_on_masked_pixels():
    phase, task = make(ratio=0.5).eval(), torch.tensor([1, 1])
    image = torch.rand(2, 3, 50, 70)  # cropped squares too
    torch.manual_seed(5)
    masked = hidden(phase, image, task)
    torch.manual_seed(5)
    loss, drawn = phase(image, task)
    assert drawn.shape == image.shape
    error = (drawn - image).abs().mean(1)
    assert loss.item() == pytest.approx(error[masked].mean().item())
    assert loss.item() != pytest.approx(error.mean().item())


def test_hand_worked_loss():
    """A head that says 0.25 everywhere, of an image that is 0.75: 0.5."""
    phase = make()
    with torch.no_grad():
        phase.head.weight.zero_()
        phase.head.bias.fill_(0.25)
        loss, _ = phase(torch.full((1, 3, 40, 40), 0.75), torch.tensor([0]))
    assert loss.item() == pytest.approx(0.5)


@pytest.mark.parametrize("arguments", [{}, {"routing": "top_k"}, {"routing": "modality"}, {"gate": "channel"}])
def test_only_the_own_expert_learns_and_neither_gates_nor_heads(arguments):
    phase = make(**arguments)
    phase(torch.rand(2, 3, 64, 64), torch.tensor([1, 1]))[0].backward()
    learns = {name for name, parameter in phase.named_parameters() if parameter.grad is not None}
    apart = ("network.heads.", ".experts.ct.", ".gate.")
    assert learns == {name for name, _ in phase.named_parameters() if not any(part in name for part in apart)}


def test_a_batch_that_mixes_modalities_is_one_by_one():
    """All is masked, so that no chance is left."""
    phase = make(ratio=1.0).eval()
    with torch.no_grad():
        together = phase(torch.rand(3, 3, 32, 32), torch.tensor([1, 0, 1]))[1]
        for image, task in enumerate((1, 0, 1)):
            alone = phase(torch.rand(1, 3, 32, 32), torch.tensor([task]))[1]
            torch.testing.assert_close(together[image : image + 1], alone)
    assert not torch.allclose(together[0], together[1])


def test_it_learns_to_fill_in():
    """Images of one grey each, which what is seen tells."""
    phase = make()
    optimizer = torch.optim.Adam(phase.parameters(), lr=0.003)
    losses = []
    for _ in range(40):
        image = torch.rand(6, 1, 1, 1).expand(-1, 3, 64, 64)
        loss, _ = phase(image, torch.arange(6) % 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_finite_float32_under_autocast():
    phase = make()
    with torch.autocast("cpu", torch.bfloat16):
        loss, drawn = phase(torch.rand(2, 3, 40, 50), torch.tensor([0, 1]))
    loss.backward()
    assert loss.dtype == drawn.dtype == torch.float32
    assert all(p.grad.isfinite().all() for p in phase.parameters() if p.grad is not None)


def test_the_network_is_what_is_kept():
    phase = make()
    assert unwrap(phase) is phase.network


@pytest.mark.parametrize(
    ("ratio", "block_px", "message"), [(0.0, 16, "ratio"), (1.1, 16, "ratio"), (0.5, 12, "12"), (0.5, 64, "64")]
)
def test_refused(ratio, block_px, message):
    with pytest.raises((ValueError, RequestError), match=message):
        MaskedReconstruction(make().network, ratio, block_px)
