"""One iteration of learning without labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.engines import SupervisedTrainer

from .backward import backward


class ReconstructionStep:
    """The first phase of M4oE: each expert learns to fill in what is masked in images of its own modality.

    Args:
        optimizer: Of the network.
        scheduler: Stepped once per iteration.
        max_norm: Gradients with a larger norm are scaled down to it.
        amp: Whether to compute the forward pass in bfloat16.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LRScheduler,
        max_norm: float = 1.0,
        amp: bool = False,
    ) -> None:
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.max_norm = max_norm
        self.amp = amp

    def __call__(self, engine: SupervisedTrainer, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Run one iteration.

        Args:
            engine: The trainer; its `network` takes images and the ids of their tasks, and gives the loss and the
                reconstruction.
            batch: `image` (b, 3, h, w) in [0, 1], `task_id` (b,), `path` for messages.

        Returns:
            `loss`, `log` (name to scalar tensor) and `images`.

        Raises:
            RequestError: If the loss or its gradient is not finite; nothing is updated.
        """
        network, device = engine.network, engine.state.device
        network.train()
        image = batch["image"].to(device, non_blocking=True)
        task = torch.as_tensor(batch["task_id"]).to(device, non_blocking=True)
        with torch.autocast(image.device.type, torch.bfloat16, enabled=self.amp):
            loss, _ = network(image, task)
        backward(
            loss, network.parameters(), [self.optimizer], engine.state.iteration, list(batch["path"]), self.max_norm
        )
        self.optimizer.step()
        self.scheduler.step()
        rate = torch.tensor(self.optimizer.param_groups[0]["lr"])
        log = {"supervised/reconstruction": loss.detach(), "learning_rate": rate}
        return {"loss": loss.detach(), "log": log, "images": len(image)}
