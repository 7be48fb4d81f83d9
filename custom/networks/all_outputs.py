from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn


class AllOutputs(nn.Module):
    """The network as training sees it: `forward` is `network.outputs`.

    `DistributedDataParallel` wraps this view, because only what its `forward` computes has its gradients synchronised.

    Args:
        network: A network with `outputs(image) -> dict` or `outputs(image, task) -> dict`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute all outputs.

        Args:
            inputs: What `network.outputs` takes: images `(b, 3, h, w)` in [0, 1], and for several data sets the number
                of each image's task, `(b,)`.

        Returns:
            `network.outputs(*inputs)`.
        """
        return self.network.outputs(*inputs)  # type: ignore[operator]


def gates(outputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of the gates.

    Args:
        outputs: What a network's `outputs` gives; `<name>_gate` (b, e[, h, w]) are weights of e experts.

    Returns:
        By name.
    """
    return {key.removesuffix("_gate"): value for key, value in outputs.items() if key.endswith("_gate")}


def unwrap(network: nn.Module) -> nn.Module:
    """Take off `AllOutputs`, `MaskedReconstruction`, `DistributedDataParallel`, `AveragedModel` and the like.

    Args:
        network: The network or any nesting of wrappers around it.

    Returns:
        The innermost network, known by `outputs`, or by what an inferer calls: `maps` or `several`.

    Raises:
        ValueError: There is none.
    """
    # Not by `recipe`, which TorchScript does not keep.
    while not any(hasattr(network, name) for name in ("outputs", "maps", "several")):
        inner = [getattr(network, name, None) for name in ("network", "module")]
        inside = [module for module in inner if isinstance(module, nn.Module)]
        if not inside:
            raise ValueError(f"a network with `outputs`, `maps` or `several` is needed, got {type(network).__name__}")
        network = inside[0]
    return network
