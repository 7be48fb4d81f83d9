from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from ..checks import RequestError


def backward(
    loss: Tensor,
    parameters: Iterable[nn.Parameter],
    optimizers: Iterable[torch.optim.Optimizer],
    iteration: int,
    paths: Sequence[str],
    max_norm: float = float("inf"),
) -> None:
    """Give the parameters new gradients, and refuse those that would spoil every weight.

    Args:
        loss: What is learnt from, a scalar.
        parameters: What the optimisers change.
        optimizers: Their old gradients are dropped.
        iteration: Number of the step, for the message.
        paths: The images of the step, for the message.
        max_norm: Gradients whose joint norm is larger are scaled down to it.

    Raises:
        RequestError: If the loss or its gradient is not finite; the optimisers must not step then.
    """
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    loss.backward()
    held = [parameter for parameter in parameters if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in held if parameter.grad is not None])
    # A finite loss may have a gradient that is none, and one such step spoils every weight.
    if not torch.isfinite(loss + norm):
        raise RequestError(
            f"the loss is {loss.item()} and its gradient not finite at step {iteration}, images: "
            f"{', '.join(paths)}; the last epoch's checkpoint is kept: look at these, or lower --learning_rate"
        )
    if max_norm < float("inf"):
        torch.nn.utils.clip_grads_with_norm_(held, max_norm, norm)
