"""The exponential moving average of a network: it gives the pseudo-labels and is what is kept."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

_Tensors = list[Tensor] | tuple[Tensor, ...]


class MovingAverage:
    """A copy of a network whose weights follow it slowly (Tarvainen and Valpola 2017).

    The decay starts low, min(decay, (1 + n) / (10 + n)) after n updates, so that the first random weights are soon
    forgotten. Buffers (batch statistics) are averaged too.

    Args:
        network: The network that learns.
        decay: Share of the old average that an update keeps, in [0, 1).

    Raises:
        ValueError: If `decay` lies outside [0, 1).
    """

    def __init__(self, network: nn.Module, decay: float = 0.99) -> None:
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"decay must be in [0, 1), got {decay}")
        self.decay = decay
        self.average = AveragedModel(network, multi_avg_fn=self._average, use_buffers=True)
        self.average.requires_grad_(False)
        self.average.eval()

    @property
    def network(self) -> nn.Module:
        """The averaged network, in evaluation mode."""
        return self.average.module

    def update(self, network: nn.Module) -> None:
        """Move the average towards `network`, after its optimiser has stepped."""
        self.average.update_parameters(network)

    @torch.no_grad()
    def _average(self, averages: _Tensors, currents: _Tensors, count: Tensor | int) -> None:
        updates = float(count)
        decay = min(self.decay, (1.0 + updates) / (10.0 + updates))
        # All tensors of one call have one type.
        if torch.is_floating_point(averages[0]):
            get_ema_multi_avg_fn(decay)(averages, currents, count)
        else:
            for average, current in zip(averages, currents, strict=True):
                average.copy_(current)

    def state_dict(self) -> dict[str, Tensor]:
        """The averaged weights and the number of updates."""
        return self.average.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a state that `state_dict` gave."""
        self.average.load_state_dict(state)
