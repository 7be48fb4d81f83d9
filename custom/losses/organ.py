"""The loss of a batch that mixes data sets. Axes: b images, c classes, t tasks, h and w the two spatial axes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class OrganLoss(nn.Module):
    """Cross-entropy and Dice of each task of a batch, `0.4 CE + 0.7 Dice` as in M4oE (arXiv 2405.09446).

    A sample teaches the classes of its own task only: logits of classes that its task lacks have to be very negative,
    so that the softmax gives them nothing. Cross-entropy is the mean over the pixels of the task's images. Dice,
    `1 - 2 Σ p t / (Σ p² + Σ t²)`, sums over all images of the task, and is the mean over the task's classes that occur
    in them. A departure: the release takes it slice by slice and over absent organs too, where it has no gradient
    towards anything but nothing, and leaves out none.

    Args:
        classes: number of classes of each task, background included.
        cross_entropy_weight: factor of the cross-entropy, >= 0.
        dice_weight: factor of Dice, >= 0.
        smooth: added above and below in Dice, > 0.

    Raises:
        ValueError: there is no task, or a task has fewer than two classes.

    Example:
        >>> logits = torch.tensor([[0.0, 0.0, -1e4], [0.0, 0.0, 0.0]])[:, :, None, None].expand(2, 3, 4, 4)
        >>> target = torch.zeros(2, 1, 4, 4, dtype=torch.long)
        >>> loss = OrganLoss(classes=[2, 3], dice_weight=0.0, cross_entropy_weight=1.0)
        >>> [round(value, 4) for value in loss(logits, target, torch.tensor([0, 1])).tolist()]  # log 2, log 3
        [0.6931, 1.0986]
    """

    def __init__(
        self, classes: Sequence[int], cross_entropy_weight: float = 0.4, dice_weight: float = 0.7, smooth: float = 1e-5
    ) -> None:
        super().__init__()
        if not classes or min(classes) < 2:
            raise ValueError(f"classes: got {list(classes)}, wanted at least two for each task")
        self.register_buffer("classes", torch.tensor(list(classes)), persistent=False)
        self.cross_entropy_weight, self.dice_weight, self.smooth = cross_entropy_weight, dice_weight, smooth

    def forward(self, logits: Tensor, target: Tensor, task: Tensor) -> Tensor:
        """Loss of every task.

        Args:
            logits: `(b, c, h, w)`, c the most classes of any task of the batch.
            target: class of each pixel, `(b, 1, h, w)`, int64, below the number of classes of the image's task.
            task: task of each image, `(b,)`, int64.

        Returns:
            `(t,)` float32; 0 for a task that has no image in the batch.

        Raises:
            ValueError: a shape differs.
        """
        images, channels = logits.shape[:2]
        wanted = (images, 1, *logits.shape[2:])
        if target.shape != wanted or task.shape != (images,):
            found = f"{tuple(target.shape)} and {tuple(task.shape)}"
            raise ValueError(f"target and task: got {found}, wanted {wanted} and {(images,)}")
        tasks = len(self.classes)  # type: ignore[arg-type]
        log_probability = F.log_softmax(logits.float(), dim=1)
        entropy = -log_probability.gather(1, target).mean(dim=(1, 2, 3))
        count = torch.bincount(task, minlength=tasks).clamp(min=1)
        cross_entropy = entropy.new_zeros(tasks).index_add(0, task, entropy) / count
        truth = F.one_hot(target[:, 0], channels).movedim(-1, 1).float()
        dice = self._dice(log_probability.exp(), truth, task, tasks)
        return self.cross_entropy_weight * cross_entropy + self.dice_weight * dice

    def _dice(self, probability: Tensor, truth: Tensor, task: Tensor, tasks: int) -> Tensor:
        def total(values: Tensor) -> Tensor:
            sums = values.sum(dim=(2, 3))
            return sums.new_zeros(tasks, sums.shape[1]).index_add(0, task, sums)

        present = total(truth) > 0
        both, squares = total(probability * truth), total(probability.square() + truth)
        loss = 1 - (2 * both + self.smooth) / (squares + self.smooth)
        return (loss * present).sum(dim=1) / present.sum(dim=1).clamp(min=1)
