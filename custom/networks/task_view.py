from __future__ import annotations

import torch
from torch import nn


class TaskView(nn.Module):
    """The network as training sees it: `forward` is `network.tasks`.

    `DistributedDataParallel` wraps this view, because only what its `forward` computes has its gradients synchronised.

    Args:
        network: a network with `tasks(image) -> dict`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute all tasks.

        Args:
            image: `(b, 3, h, w)` in [0, 1].

        Returns:
            `network.tasks(image)`.
        """
        return self.network.tasks(image)  # type: ignore[operator]


def unwrap(network: nn.Module) -> nn.Module:
    """Take off `TaskView`, `DistributedDataParallel`, `AveragedModel` and the like.

    Args:
        network: the network or any nesting of wrappers around it.

    Returns:
        The innermost network.
    """
    while not hasattr(network, "maps"):
        if isinstance(network, TaskView):
            network = network.network
        elif isinstance(getattr(network, "module", None), nn.Module):
            network = network.module  # type: ignore[assignment]
        else:
            raise ValueError(f"a network with `maps` is needed, got {type(network).__name__}")
    return network
