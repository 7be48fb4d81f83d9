"""One iteration on a batch that mixes data sets. Axes: b images, e experts, t tasks, h and w spatial."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from monai.engines import SupervisedTrainer
from torch import Tensor

from ..losses import OrganLoss, load_balance_loss
from ..networks import gates, unwrap
from ..targets.organ_task import HeadTask
from .backward import backward
from .moving_average import MovingAverage


class OrganStep:
    """What happens in one iteration of M4oE: `SupervisedTrainer(iteration_update=OrganStep(...))`.

    Images of several data sets go through in one pass, and each teaches the head of its own task. The loss is the mean
    over the tasks in the batch, plus the router's own losses where their weights are above 0.

    Args:
        loss: Gives one value a task.
        tasks: The task table: name to its `modality` among others; the order gives the ids.
        optimizer: Of the network.
        scheduler: Stepped once per iteration.
        moving_average: Of the network, which is kept instead of it; None without.
        router_z: Weight of the mean square of the gates' logsumexp, which keeps their logits small, >= 0.
        load_balance: Weight of an even use of the experts within each modality, >= 0.
        max_norm: Gradients with a larger norm are scaled down to it.
        amp: Whether to compute the forward pass in bfloat16.
    """

    def __init__(
        self,
        loss: OrganLoss,
        tasks: Mapping[str, HeadTask],
        optimizer: torch.optim.Optimizer,
        scheduler: torch.optim.lr_scheduler.LRScheduler,
        moving_average: MovingAverage | None = None,
        router_z: float = 0.0,
        load_balance: float = 0.0,
        max_norm: float = 1.0,
        amp: bool = False,
    ) -> None:
        self.loss = loss
        self.tasks = list(tasks)
        self.modalities = list(dict.fromkeys(task["modality"] for task in tasks.values()))
        self.modality_of = [self.modalities.index(task["modality"]) for task in tasks.values()]
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.moving_average = moving_average
        self.router_z = router_z
        self.load_balance = load_balance
        self.max_norm = max_norm
        self.amp = amp

    def __call__(self, engine: SupervisedTrainer, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Run one iteration.

        Args:
            engine: The trainer; its `network` takes images and the ids of their tasks, and gives `logits`, `router_z`
                and `<layer>_gate`.
            batch: `image` (b, 3, h, w) in [0, 1], `label` (b, 1, h, w) classes, `task_id` (b,), `path` for messages.

        Returns:
            `loss`, `log` (name to scalar tensor, each task apart), `gates` (modality to weights (b, e), the mean over
            layers and tokens), `experts` (their names) and `images`.

        Raises:
            RequestError: If the loss or its gradient is not finite; nothing is updated.
        """
        network, device = engine.network, engine.state.device
        network.train()
        image, label = (batch[key].to(device, non_blocking=True) for key in ("image", "label"))
        task_id = torch.as_tensor(batch["task_id"])
        present = sorted(set(task_id.tolist()))  # before the ids go to a device, where asking for them would wait
        task = task_id.to(device, non_blocking=True)
        with torch.autocast(image.device.type, torch.bfloat16, enabled=self.amp):
            outputs = network(image, task)
        losses = self.loss(outputs["logits"], label, task)
        loss = losses[present].mean()
        log = {f"supervised/{self.tasks[index]}": losses[index].detach() for index in present}
        found = list(gates(outputs).values())
        if self.router_z:
            log["router/z"] = outputs["router_z"].detach()
            loss = loss + self.router_z * outputs["router_z"]
        if self.load_balance and found:
            even = self._load_balance(found, task)
            log["router/load_balance"] = even.detach()
            loss = loss + self.load_balance * even
        backward(
            loss, network.parameters(), [self.optimizer], engine.state.iteration, list(batch["path"]), self.max_norm
        )
        self.optimizer.step()
        self.scheduler.step()
        if self.moving_average is not None:
            self.moving_average.update(unwrap(network))
        log["learning_rate"] = torch.tensor(self.optimizer.param_groups[0]["lr"])
        use = self._use(found, task_id.tolist())
        experts = unwrap(network).expert_names
        return {"loss": loss.detach(), "log": log, "gates": use, "experts": experts, "images": len(image)}

    def _load_balance(self, found: Sequence[Tensor], task: Tensor) -> Tensor:
        modality = torch.tensor(self.modality_of, device=task.device)[task]
        parts = []
        for gate in found:
            tokens = gate.flatten(2).transpose(1, 2)
            whose = modality.repeat_interleave(tokens.shape[1])
            parts.append(load_balance_loss(tokens.flatten(0, 1), whose, len(self.modalities)))
        return torch.stack(parts).mean()

    def _use(self, found: Sequence[Tensor], task_ids: Sequence[int]) -> dict[str, Tensor]:
        if not found:
            return {}
        weights = torch.stack([gate.detach().float().flatten(2).mean(2) for gate in found]).mean(0)
        rows: dict[str, list[int]] = defaultdict(list)
        for row, task in enumerate(task_ids):
            rows[self.modalities[self.modality_of[task]]].append(row)
        return {modality: weights[rows[modality]] for modality in self.modalities if modality in rows}


def learning(parameters: Iterable[torch.nn.Parameter]) -> list[torch.nn.Parameter]:
    """The parameters that are not frozen.

    Args:
        parameters: Of a network.
    """
    return [parameter for parameter in parameters if parameter.requires_grad]
