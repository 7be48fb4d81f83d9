"""The loss of a batch that mixes data sets. Axes: b images, c classes, t tasks, h and w the two spatial axes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class OrganLoss(nn.Module):
    """Cross-entropy and Dice of each task of a batch, `0.4 CE + 0.7 Dice` as in M4oE (arXiv 2405.09446).

    A sample teaches the classes of its own task only: logits of classes that its task lacks have to be very negative,
    so that the softmax gives them nothing. Cross-entropy is the mean over the pixels of the task's images, those of a
    class with n of them weighed by `n^-class_balance`: unweighed, as in the paper, an organ of few pixels is nearly
    free to miss, and a miss is where Dice has no gradient through the softmax, so small organs begin to be learnt late.
    Dice, `1 - 2 Σ p t / (Σ p² + Σ t²)`, sums over all images of the task, and is the mean over the task's classes that
    occur in them. A departure: the release takes it slice by slice and over absent organs too, where it has no gradient
    towards anything but nothing, and leaves out none.

    Args:
        classes: Number of classes of each task, background included.
        cross_entropy_weight: Factor of the cross-entropy, >= 0.
        dice_weight: Factor of Dice, >= 0.
        class_balance: How far the cross-entropy evens the classes out, from 0, not at all, to 1, all alike.
        smooth: Added above and below in Dice, > 0.

    Raises:
        ValueError: There is no task, or a task has fewer than two classes.

    Example:
        >>> logits = torch.tensor([[0.0, 0.0, -1e4], [0.0, 0.0, 0.0]])[:, :, None, None].expand(2, 3, 4, 4)
        >>> target = torch.zeros(2, 1, 4, 4, dtype=torch.long)
        >>> loss = OrganLoss(classes=[2, 3], dice_weight=0.0, cross_entropy_weight=1.0)
        >>> [round(value, 4) for value in loss(logits, target, torch.tensor([0, 1])).tolist()]  # log 2, log 3
        [0.6931, 1.0986]
    """

    def __init__(
        self,
        classes: Sequence[int],
        cross_entropy_weight: float = 0.4,
        dice_weight: float = 0.7,
        class_balance: float = 0.0,
        smooth: float = 1e-5,
    ) -> None:
        super().__init__()
        if not classes or min(classes) < 2:
            raise ValueError(f"classes: got {list(classes)}, wanted at least two for each task")
        self.register_buffer("classes", torch.tensor(list(classes)), persistent=False)
        self.cross_entropy_weight, self.dice_weight = cross_entropy_weight, dice_weight
        self.class_balance, self.smooth = class_balance, smooth

    def forward(self, logits: Tensor, target: Tensor, task: Tensor) -> Tensor:
        """Loss of every task.

        Args:
            logits: `(b, c, h, w)`, c the most classes of any task of the batch.
            target: Class of each pixel, `(b, 1, h, w)`, int64, below the number of classes of the image's task.
            task: Task of each image, `(b,)`, int64.

        Returns:
            `(t,)` float32; 0 for a task that has no image in the batch.

        Raises:
            ValueError: A shape differs.
        """
        images, channels = logits.shape[:2]
        wanted = (images, 1, *logits.shape[2:])
        if target.shape != wanted or task.shape != (images,):
            found = f"{tuple(target.shape)} and {tuple(task.shape)}"
            raise ValueError(f"target and task: got {found}, wanted {wanted} and {(images,)}")
        log_probability = F.log_softmax(logits.float(), dim=1)
        truth = F.one_hot(target[:, 0], channels).movedim(-1, 1).float()
        pixels = self._total(truth, task)
        entropy = self._total(-log_probability * truth, task)
        weight = pixels.clamp(min=1) ** -self.class_balance
        cross_entropy = (weight * entropy).sum(dim=1) / (weight * pixels).sum(dim=1).clamp(min=self.smooth)
        dice = self._dice(log_probability.exp(), truth, task, pixels)
        return self.cross_entropy_weight * cross_entropy + self.dice_weight * dice

    def _total(self, values: Tensor, task: Tensor) -> Tensor:
        """Sum `(b, c, h, w)` over the pixels of each task's images, `(t, c)`."""
        sums = values.sum(dim=(2, 3))
        return sums.new_zeros(len(self.classes), sums.shape[1]).index_add(0, task, sums)  # type: ignore[arg-type]

    def _dice(self, probability: Tensor, truth: Tensor, task: Tensor, pixels: Tensor) -> Tensor:
        present = pixels > 0
        both = self._total(probability * truth, task)
        squares = self._total(probability.square(), task) + pixels
        loss = 1 - (2 * both + self.smooth) / (squares + self.smooth)
        return (loss * present).sum(dim=1) / present.sum(dim=1).clamp(min=1)
