"""Organs of a whole volume, slice by slice. Axes: as in `custom.geometry.volume`, t tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from monai.data import MetaTensor
from monai.inferers import Inferer
from monai.transforms import KeepLargestConnectedComponent

from ...geometry.resize import resize
from ...geometry.volume import from_ras, neighbours, slice_size, to_ras
from ...networks.all_outputs import unwrap
from ...targets.organ_task import OrganTask, TaskTable, channels
from ..keep_meta import keep_meta


class VolumeInferer(Inferer):
    """Label the voxels of a volume of any orientation and spacing.

    The volume is turned to RAS and its slices are resampled in-plane to the task's spacing, each between its two
    neighbours; the logits are resampled back and the largest wins. A few slices at a time, so that the probabilities of
    a whole volume are never in memory. Tasks of one spacing share one pass of the encoder. Of an organ that is one
    piece only the largest connected one is kept, each organ by itself; the rest becomes background. Not in a single
    slice, which may well cut an organ in two.

    Args:
        tasks: The task table: name to `spacing` (mm, in-plane) and `modality` at least, and where organs are one piece,
            `one_piece` (their ids) with `labels` (id to organ); its order numbers the tasks, unless the network has
            `task_names`.
        batch_slices: Slices a forward pass, >= 1.
        amp: bfloat16 autocast.

    Raises:
        ValueError: If there is no task in the table or `batch_slices` is not positive.

    Example:
        With `SupervisedEvaluator`, each item's own task reaches the call by
        `prepare_batch=PrepareBatchExtraInput({"task": "task"})`, which MONAI has.
    """

    def __init__(self, tasks: TaskTable, batch_slices: int = 8, amp: bool = False) -> None:
        super().__init__()
        if not tasks or batch_slices < 1:
            raise ValueError(f"at least one task and one slice a pass are needed, got {list(tasks)} and {batch_slices}")
        self.tasks = dict(tasks)
        self.batch_slices = batch_slices
        self.amp = amp
        self._largest = {name: _largest_pieces(task) for name, task in self.tasks.items() if task.get("one_piece")}

    def __call__(
        self, inputs: torch.Tensor, network: Callable, task: str | Sequence[Any] = (), *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """Predict.

        Args:
            inputs: One volume (1, 1, x, y, z) in [0, 1], a `MetaTensor` in its own grid.
            network: Has `several(image, task numbers) -> logits of each`; also inside `AllOutputs` or
                `DistributedDataParallel`. Its training or evaluation mode is left as it is.
            task: A task's name, or several of one modality, also as a loader collates them.
            args: Not used; MONAI's engines may pass them.
            kwargs: Not used.

        Returns:
            Channel numbers of each task's head, (1, t, x, y, z) uint8, in the input's own grid and with its metadata.

        Raises:
            ValueError: If a task is unknown or none is named, the tasks' modalities differ, or there is more than one
                volume or no affine.
        """
        names = self._names(task)
        if inputs.ndim != 5 or tuple(inputs.shape[:2]) != (1, 1) or not isinstance(inputs, MetaTensor):
            found = f"{type(inputs).__name__} {tuple(inputs.shape)}"
            raise ValueError(f"one volume (1, 1, x, y, z) with its affine is needed, got {found}")
        turned = to_ras(inputs.as_tensor()[0], inputs.affine)
        labels = torch.zeros((len(names), *turned.shape[1:]), dtype=torch.uint8, device=inputs.device)
        spacings = [tuple(self.tasks[name]["spacing"]) for name in names]
        for spacing in dict.fromkeys(spacings):
            rows = [row for row, other in enumerate(spacings) if other == spacing]
            self._predict(turned, unwrap(network), names, rows, labels)  # type: ignore[arg-type]
        for row, name in enumerate(names):
            if name in self._largest and labels.shape[-1] > 1:
                labels[row] = self._largest[name](labels[row][None])[0]
        return keep_meta(from_ras(labels, inputs.affine)[None], inputs)

    def seen(self, turned: MetaTensor, task: str, indices: Sequence[int]) -> torch.Tensor:
        """Slices as the network sees them: at the task's spacing, each between its two neighbours.

        Args:
            turned: The volume (1, x, y, z) in [0, 1], in RAS.
            task: Whose spacing it is.
            indices: The k slices wanted, along z.

        Returns:
            (k, 3, u, v).
        """
        return neighbours(turned.as_tensor()[0], indices, slice_size(turned, self.tasks[task]["spacing"]))

    def numbers(self, network: Any, names: Sequence[str]) -> list[int]:
        """The numbers that a network has for some tasks.

        Args:
            network: With `task_names`, if it has other tasks beside those of the table.
            names: Names of tasks.
        """
        order = list(getattr(network, "task_names", self.tasks))
        return [order.index(name) for name in names]

    def _predict(self, turned: MetaTensor, network: Any, names: list[str], rows: list[int], labels: Any) -> None:
        """Write the labels of some tasks, which share a spacing, into their rows of `labels` (t, x, y, z)."""
        width, height, depth = turned.shape[1:]
        numbers = self.numbers(network, [names[row] for row in rows])
        for start in range(0, depth, self.batch_slices):
            indices = range(start, min(start + self.batch_slices, depth))
            slices = self.seen(turned, names[rows[0]], indices)
            with torch.autocast(slices.device.type, torch.bfloat16, enabled=self.amp):
                outputs = network.several(slices, numbers)
            for row, logits in zip(rows, outputs, strict=True):
                winners = resize(logits.float(), (width, height)).argmax(1)
                labels[row, ..., start : indices.stop] = winners.permute(1, 2, 0).to(torch.uint8)

    def _names(self, task: str | Sequence[Any]) -> list[str]:
        # A loader makes [("a",), ("b",)] of the list ["a", "b"] of its one item.
        listed = [task] if isinstance(task, str) else list(task)
        names = [name for entry in listed for name in ([entry] if isinstance(entry, str) else entry)]
        unknown = [name for name in names if name not in self.tasks]
        if unknown or not names:
            raise ValueError(
                f"task must be one or several of {', '.join(self.tasks)}, got {', '.join(unknown) or 'none'}"
            )
        modalities = dict.fromkeys(self.tasks[name]["modality"] for name in names)
        if len(modalities) > 1:
            raise ValueError(f"the tasks of one volume have one modality, got {', '.join(modalities)}")
        return names


def _largest_pieces(task: OrganTask) -> KeepLargestConnectedComponent:
    """Voxels that touch by a corner are of one piece."""
    numbers = channels(task)
    pieces = [numbers[one] for one in task["one_piece"]]
    return KeepLargestConnectedComponent(pieces, is_onehot=False, independent=True, connectivity=3)
