import math

import pytest
import torch

from custom.losses import OrganLoss

ABSENT = -1e4


def logits(rows):
    """One pixel an inner row, laid out as one image (1, c, 1, pixels)."""
    return torch.tensor(rows, dtype=torch.float32).T[None, :, None, :]


def test_worked_by_hand():
    # Task 0 has 2 classes. Two pixels with p = (1/2, 1/2), truth 0 and 1: cross-entropy log 2.
    # Dice of each class: 2 * 0.5 / (2 * 0.25 + 1) = 2/3, so 1 - 2/3 = 1/3.
    loss = OrganLoss(classes=[2], smooth=1e-9)
    value = loss(logits([[0, 0], [0, 0]]), torch.tensor([[[[0, 1]]]]), torch.tensor([0]))
    assert value.tolist() == pytest.approx([0.4 * math.log(2) + 0.7 / 3], abs=1e-6)


def test_absent_organs_are_left_out_of_dice():
    # Only background occurs: Dice of it 2 * (1/2 + 1/2) / (2 * 0.25 + 2) = 0.8, the other class is not counted.
    loss = OrganLoss(classes=[2], cross_entropy_weight=0.0, dice_weight=1.0, smooth=1e-9)
    value = loss(logits([[0, 0], [0, 0]]), torch.tensor([[[[0, 0]]]]), torch.tensor([0]))
    assert value.tolist() == pytest.approx([0.2], abs=1e-6)


def test_a_task_without_images_costs_nothing_and_gets_no_gradient():
    given = torch.randn(2, 3, 4, 4, requires_grad=True)
    value = OrganLoss(classes=[2, 3, 3])(given, torch.randint(0, 3, (2, 1, 4, 4)), torch.tensor([1, 1]))
    assert value[0] == value[2] == 0 < value[1]
    value.sum().backward()
    assert given.grad.abs().sum() > 0


def test_a_mixed_batch_is_its_tasks_apart():
    torch.manual_seed(0)
    loss = OrganLoss(classes=[3, 2])
    given, target = torch.randn(5, 3, 6, 6), torch.randint(0, 2, (5, 1, 6, 6))
    task = torch.tensor([0, 1, 0, 1, 1])
    given[task == 1, 2] = ABSENT
    both = loss(given, target, task)
    first = loss(given[task == 0], target[task == 0], torch.zeros(2, dtype=torch.long))
    second = loss(given[task == 1][:, :2], target[task == 1], torch.ones(3, dtype=torch.long))
    assert both.tolist() == pytest.approx([float(first[0]), float(second[1])], rel=1e-5)


def test_dice_pools_the_images_of_a_task():
    # Image one holds the organ, image two does not: pooled, a false positive in image two lowers Dice.
    loss = OrganLoss(classes=[2], cross_entropy_weight=0.0, dice_weight=1.0)
    sure = 20.0
    target = torch.tensor([[[[1, 0]]], [[[0, 0]]]])
    right = torch.cat([logits([[-sure, sure], [sure, -sure]]), logits([[sure, -sure], [sure, -sure]])])
    wrong = torch.cat([logits([[-sure, sure], [sure, -sure]]), logits([[-sure, sure], [sure, -sure]])])
    task = torch.tensor([0, 0])
    assert loss(right, target, task).item() == pytest.approx(0, abs=1e-4)
    # class 1: 2 * 1 / (2 + 1) = 2/3; background: 2 * 2 / (2 + 3) = 0.8; mean of 1/3 and 0.2
    assert loss(wrong, target, task).item() == pytest.approx((1 / 3 + 0.2) / 2, abs=1e-4)


def test_classes_of_other_tasks_get_no_gradient():
    given = torch.zeros(1, 3, 2, 2)
    given[:, 2] = ABSENT
    given.requires_grad_(True)
    OrganLoss(classes=[2])(given, torch.zeros(1, 1, 2, 2, dtype=torch.long), torch.tensor([0])).sum().backward()
    assert given.grad[:, 2].abs().max() == 0 < given.grad[:, 1].abs().max()


def test_refusals():
    with pytest.raises(ValueError, match="at least two"):
        OrganLoss(classes=[1, 3])
    loss = OrganLoss(classes=[2])
    with pytest.raises(ValueError, match=r"wanted \(1, 1, 2, 2\)"):
        loss(torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long), torch.tensor([0]))
    with pytest.raises(ValueError, match=r"\(2,\)"):
        loss(torch.zeros(2, 2, 2, 2), torch.zeros(2, 1, 2, 2, dtype=torch.long), torch.tensor([0]))


@pytest.mark.parametrize(
    ("class_balance", "weights"),
    [(0.0, (3.0, 1.0)), (0.5, (3**0.5, 1.0)), (1.0, (1.0, 1.0))],  # three pixels and one, times n^-class_balance
)
def test_the_class_balance_weighs_the_classes_of_the_cross_entropy(class_balance, weights):
    logits = torch.zeros(1, 2, 2, 2)
    logits[:, 1] = math.log(3)  # p = 1/4 and 3/4 everywhere
    target = torch.tensor([[[[0, 0], [0, 1]]]])
    loss = OrganLoss([2], cross_entropy_weight=1.0, dice_weight=0.0, class_balance=class_balance)
    wanted = (weights[0] * math.log(4) + weights[1] * math.log(4 / 3)) / sum(weights)
    assert loss(logits, target, torch.tensor([0])).item() == pytest.approx(wanted, rel=1e-5)
