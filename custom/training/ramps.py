"""Schedules over steps: the weight of the unsupervised part, and the paper's learning rate."""

from __future__ import annotations

import math


def sigmoid_ramp(step: int, length: int) -> float:
    """Rise from about 0.007 to 1 as exp(-5 (1 - t)^2), t = step / length (Laine and Aila 2017, section 2.2).

    Args:
        step: The current step, from 0.
        length: Steps until the ramp stands at 1; 0 for no ramp.

    Returns:
        A factor in (0, 1].
    """
    if length <= 0:
        return 1.0
    remaining = 1.0 - min(max(step / length, 0.0), 1.0)
    return math.exp(-5.0 * remaining * remaining)


def linear_ramp(step: int, length: int) -> float:
    """Rise linearly from 0 to 1 over `length` steps (Semi-MoE's weight of the unsupervised loss).

    Args:
        step: The current step, from 0.
        length: Steps until the ramp stands at 1; 0 for no ramp.

    Returns:
        A factor in [0, 1].
    """
    return 1.0 if length <= 0 else min(max(step / length, 0.0), 1.0)


def warm_up_cosine(step: int, warm_up: int, total: int) -> float:
    """Factor of the learning rate: linear over `warm_up` steps, then half a cosine down to 0 at `total`.

    Args:
        step: The current step, from 0.
        warm_up: Steps of the linear rise.
        total: Steps of the whole training.

    Returns:
        A factor in [0, 1], for `torch.optim.lr_scheduler.LambdaLR`.
    """
    if step < warm_up:
        return (step + 1) / warm_up
    progress = (step - warm_up) / max(1, total - warm_up)
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))


def warm_up_halving(step: int, steps_per_epoch: int) -> float:
    """Semi-MoE's learning rate factor: 20 epochs of linear rise from 0, then halved at epochs 71, 121 and 171.

    Args:
        step: The current step, from 0.
        steps_per_epoch: Steps of one epoch.

    Returns:
        A factor in [0, 1], for `torch.optim.lr_scheduler.LambdaLR`.
    """
    epoch = step // steps_per_epoch
    if epoch < 20:
        return epoch / 20
    return 0.5 ** sum(epoch >= milestone for milestone in (71, 121, 171))
