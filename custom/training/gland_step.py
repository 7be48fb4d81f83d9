"""One iteration of semi-supervised training, as `SupervisedTrainer(iteration_update=…)` takes it.

Axes: b images, e experts, k experts that have a head of their own for an output, c channels, h and w pixels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from monai.engines import SupervisedTrainer
from torch import Tensor, nn

from ..losses import AdaptiveMultiObjectiveLoss
from ..networks import gates, unwrap
from .backward import backward
from .moving_average import MovingAverage
from .pseudo_labels import OutputLoss, PseudoBatch, PseudoLabels


class GlandStep:
    """Labelled and unlabelled images in one forward pass, one backward pass, one update.

    Supervised: each fused output and each expert against its target. Unsupervised: each expert, and with a teacher each
    fused output too, against the teacher's fused output on the weak view; without a teacher against the network's own
    fused output, detached (the paper's setting). Both parts go through the same objective, the second weighed by
    `unsupervised_weight` times its ramp. Batch statistics are those of all images of the step together.

    Args:
        objective: Weighs the outputs; called with the loss of each.
        losses: The loss of each output by its name; targets stand under the same names in a labelled batch.
        optimizers: What updates the network and the objective; each steps once an iteration.
        schedulers: Learning rate schedules, stepped once an iteration.
        unlabelled: Loader of unlabelled batches with `image` (weak view) and `strong`; None or empty for none.
        pseudo_labels: Makes targets and weights from fused outputs; needed with unlabelled images.
        teacher: Kept up to date after each update if given.
        learn_from_teacher: Whether the pseudo-labels are the teacher's (True) or the network's own (False).
        unsupervised_weight: Weight of the unsupervised part once its ramp stands at 1.
        ramp: Factor of that weight at a step, counted from 0.
        amp: Whether to compute the forward pass in bfloat16.

    Raises:
        ValueError: If unlabelled images are given and `pseudo_labels`, or the teacher to learn from, is not.
    """

    def __init__(
        self,
        objective: AdaptiveMultiObjectiveLoss,
        losses: Mapping[str, OutputLoss],
        optimizers: Iterable[torch.optim.Optimizer],
        schedulers: Iterable[torch.optim.lr_scheduler.LRScheduler],
        unlabelled: Iterable[Mapping[str, Any]] | None = None,
        pseudo_labels: PseudoLabels | None = None,
        teacher: MovingAverage | None = None,
        learn_from_teacher: bool = True,
        unsupervised_weight: float = 1.0,
        ramp: Callable[[int], float] = lambda step: 1.0,
        amp: bool = False,
    ) -> None:
        if unlabelled is not None and pseudo_labels is None:
            raise ValueError("unlabelled images need pseudo_labels, got None")
        if unlabelled is not None and learn_from_teacher and teacher is None:
            raise ValueError("learn_from_teacher=True needs a teacher, got None")
        self.objective = objective
        self.losses = dict(losses)
        self.optimizers = list(optimizers)
        self.schedulers = list(schedulers)
        self.unlabelled = unlabelled
        self.pseudo_labels: Any = pseudo_labels
        self.teacher: Any = teacher
        self.learn_from_teacher = learn_from_teacher
        self.unsupervised_weight = unsupervised_weight
        self.ramp = ramp
        self.amp = amp
        self._batches: Iterator[Mapping[str, Any]] | None = None

    def restart(self) -> None:
        """Begin anew with the unlabelled images; called where an epoch starts, so that a resumed run draws the same."""
        self._batches = iter(self.unlabelled) if self.unlabelled is not None else None

    def __call__(self, engine: SupervisedTrainer, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Run one iteration.

        Args:
            engine: The trainer; its `network` gives a dictionary of outputs.
            batch: `image` (b, 3, h, w) in [0, 1], each output's target (b, 1, h, w), and `path` for messages.

        Returns:
            `loss`, `log` (name to scalar tensor, all parts apart), `gates` (by output, weights (b, e) of labelled
            images), `images` (how many were seen) and `waited` (seconds spent waiting for unlabelled ones).

        Raises:
            RequestError: If the loss or its gradient is not finite; nothing is updated.
        """
        network, device = engine.network, next(self.objective.buffers()).device
        network.train()
        images = batch["image"].to(device, non_blocking=True)
        count = len(images)
        targets = {name: batch[name].to(device, non_blocking=True) for name in self.losses}
        began = time.perf_counter()
        weak = self._next_unlabelled(device)
        waited = time.perf_counter() - began
        pseudo = self._taught(weak) if weak is not None and self.learn_from_teacher else None
        if weak is not None:
            images = torch.cat([images, weak["image"] if pseudo is None else pseudo.images])
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.amp):
            outputs = network(images)
        supervised = self._losses({name: output[:count] for name, output in outputs.items()}, targets, None, fused=True)
        loss = self.objective(supervised)
        log = {f"supervised/{name}": value.detach() for name, value in supervised.items()}
        if weak is not None:
            own = {name: output[count:] for name, output in outputs.items()}
            pseudo = self.pseudo_labels(own, images[count:]) if pseudo is None else pseudo
            unsupervised = self._losses(own, pseudo.targets, pseudo.weight, fused=self.learn_from_teacher)
            factor = self.unsupervised_weight * self.ramp(engine.state.iteration - 1)
            loss = loss + factor * self.objective(unsupervised)
            log |= {f"unsupervised/{name}": value.detach() for name, value in unsupervised.items()}
            log |= {"unsupervised/weight": torch.tensor(factor)} | pseudo.log(own)
        self._update(engine, loss, [*batch["path"], *(weak["path"] if weak is not None else [])])
        log |= {f"weight/{name}": torch.tensor(weight) for name, weight in self.objective.weights().items()}
        log["learning_rate"] = torch.tensor(self.optimizers[0].param_groups[0]["lr"])
        use = {name: _per_image(gate[:count]) for name, gate in gates(outputs).items()}
        return {"loss": loss.detach(), "log": log, "gates": use, "images": len(images), "waited": waited}

    def _next_unlabelled(self, device: torch.device) -> dict[str, Any] | None:
        if self.unlabelled is None:
            return None
        if self._batches is None:
            self._batches = iter(self.unlabelled)
        batch = next(self._batches)
        return {key: value.to(device) if isinstance(value, Tensor) else value for key, value in batch.items()}

    @torch.no_grad()
    def _taught(self, weak: Mapping[str, Any]) -> PseudoBatch:
        with torch.autocast(weak["image"].device.type, torch.bfloat16, enabled=self.amp):
            outputs = self.teacher.network.outputs(weak["image"])
        return self.pseudo_labels(outputs, weak["strong"])

    def _losses(
        self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor], weight: Tensor | None, fused: bool
    ) -> dict[str, Tensor]:
        """The loss of each output: the fused one's (if `fused`) plus the mean over those of its own experts."""
        losses = {}
        for name, loss in self.losses.items():
            parts = [loss(outputs[name], targets[name], weight)] if fused else []
            if f"{name}_experts" in outputs:
                experts = outputs[f"{name}_experts"].unbind(1)
                parts.append(torch.stack([loss(expert, targets[name], weight) for expert in experts]).mean())
            losses[name] = torch.stack(parts).sum() if parts else outputs[name].sum() * 0.0
        return losses

    def _update(self, engine: SupervisedTrainer, loss: Tensor, paths: list[str]) -> None:
        parameters = [*engine.network.parameters(), *self.objective.parameters()]
        backward(loss, parameters, self.optimizers, engine.state.iteration, paths)
        _average_gradients(self.objective)
        for optimizer in self.optimizers:
            optimizer.step()
        for scheduler in self.schedulers:
            scheduler.step()
        if self.teacher is not None:
            self.teacher.update(unwrap(engine.network))


def _per_image(gate: Tensor) -> Tensor:
    """Gate weights (b, e[, h, w]) as one weight an image and expert, (b, e)."""
    return gate.detach().float().flatten(2).mean(2) if gate.ndim > 2 else gate.detach().float()


def _average_gradients(module: nn.Module) -> None:
    """Average the gradients of the objective's own parameters over processes; the network's are DDP's business."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        for parameter in module.parameters():
            if parameter.grad is not None:
                torch.distributed.all_reduce(parameter.grad)
                parameter.grad /= torch.distributed.get_world_size()
