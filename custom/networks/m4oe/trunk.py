"""The Swin U between stem and heads. Axes: as in `custom.networks.m4oe`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from ..mixture import ExpertMixture
from .patch_resampling import PatchExpanding, PatchMerging
from .swin_block import SwinBlock


class _Stage(nn.Module):
    """Swin blocks at one resolution, every other one shifted; `drop_path` has a probability for each."""

    def __init__(
        self,
        channels: int,
        heads: int,
        window: int,
        drop_path: Sequence[float],
        mixture: Callable[[int], ExpertMixture],
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            SwinBlock(channels, heads, window, index % 2 * (window // 2), probability, mixture(channels))
            for index, probability in enumerate(drop_path)
        )

    def forward(
        self, x: torch.Tensor, modality: torch.Tensor, counts: list[int], hard: bool
    ) -> tuple[torch.Tensor, list[torch.Tensor], list[torch.Tensor]]:
        gates: list[torch.Tensor] = []
        router_z: list[torch.Tensor] = []
        for block in self.blocks:
            x, weights, z = block(x, modality, counts, hard)
            gates.append(weights)
            router_z.append(z)
        return x, gates, router_z


class Trunk(nn.Module):
    """A Swin U-Net with experts in encoder and decoder, as in M4oE.

    Swin stages with patch merging between them; then, stage by stage, patch expanding, the skip concatenated, a linear
    layer and Swin blocks.

    Channels double at every stage and halve on the way back, which ends at the resolution of the input. A skip is what
    its stage gives, as in the figure of Swin-Unet (Cao et al. 2021), whose code takes what the stage was given.

    Args:
        channels: Channels of the first stage, c.
        depths: Blocks of each stage, finest first; the last stage is in the encoder only.
        heads: Heads of each stage.
        window: Side of a window in tokens.
        drop_path: Probability that a block's branch is skipped in training, rising from 0 to this with the depth.
        mixture: Makes the experts of a block, given its channels.

    Attributes:
        layers: Name of each block, in the order of the gates: `encoder0_0`, stage and block.

    Raises:
        ValueError: There is no stage, or not as many `heads` as `depths`.

    Example:
        >>> mixture = lambda channels: ExpertMixture(channels, 4 * channels, {"ct": 1})
        >>> trunk = Trunk(8, depths=[1, 1], heads=[2, 2], window=4, drop_path=0.0, mixture=mixture)
        >>> x, gates, router_z = trunk(torch.rand(1, 8, 8, 8), torch.tensor([0]), [1], False)
        >>> x.shape, trunk.layers
        (torch.Size([1, 8, 8, 8]), ['encoder0_0', 'encoder1_0', 'decoder0_0'])
    """

    def __init__(
        self,
        channels: int,
        depths: Sequence[int],
        heads: Sequence[int],
        window: int,
        drop_path: float,
        mixture: Callable[[int], ExpertMixture],
    ) -> None:
        super().__init__()
        if not depths or len(depths) != len(heads):
            raise ValueError(f"depths and heads must be of the same stages, got {list(depths)} and {list(heads)}")
        widths = [channels * 2**stage for stage in range(len(depths))]
        rising = [drop_path * block / max(1, sum(depths) - 1) for block in range(sum(depths))]
        drops = [rising[sum(depths[:stage]) :][:depth] for stage, depth in enumerate(depths)]
        back = range(len(depths) - 2, -1, -1)

        def stage(index: int) -> _Stage:
            return _Stage(widths[index], heads[index], window, drops[index], mixture)

        self.merging = nn.ModuleList([nn.Identity(), *(PatchMerging(width) for width in widths[:-1])])
        self.encoder = nn.ModuleList(stage(index) for index in range(len(depths)))
        self.norm = nn.LayerNorm(widths[-1])
        self.expanding = nn.ModuleList(PatchExpanding(2 * widths[index], widths[index]) for index in back)
        self.joining = nn.ModuleList(nn.Linear(2 * widths[index], widths[index]) for index in back)
        self.decoder = nn.ModuleList(stage(index) for index in back)
        self.norm_up = nn.LayerNorm(channels)
        self.layers = [f"encoder{index}_{block}" for index, depth in enumerate(depths) for block in range(depth)]
        self.layers += [f"decoder{index}_{block}" for index in back for block in range(depths[index])]
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(
        self, x: torch.Tensor, modality: torch.Tensor, counts: list[int], hard: bool
    ) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
        """Transform the tokens.

        Args:
            x: `(b, h, w, c)`, height and width multiples of 2 to the number of stages less one.
            modality: As in `ExpertMixture`.
            counts: As in `ExpertMixture`.
            hard: As in `ExpertMixture`.

        Returns:
            Tokens `(b, h, w, c)`, the weights of every block's gate, and the mean of their `router_z`.
        """
        gates: list[torch.Tensor] = []
        router_z: list[torch.Tensor] = []
        skips: list[torch.Tensor] = []
        for merge, stage in zip(self.merging, self.encoder):  # noqa: B905 - TorchScript
            x, weights, z = stage(merge(x), modality, counts, hard)
            gates += weights
            router_z += z
            skips.append(x)
        x = self.norm(x)
        for index, (expand, join, stage) in enumerate(zip(self.expanding, self.joining, self.decoder)):  # noqa: B905
            x, weights, z = stage(join(torch.cat([expand(x), skips[-2 - index]], -1)), modality, counts, hard)
            gates += weights
            router_z += z
        return self.norm_up(x), gates, torch.stack(router_z).mean()


class NoTrunk(nn.Module):
    """The control of `Trunk`: tokens go through as they are. No parameters.

    Attributes:
        layers: none.

    Example:
        >>> x, gates, router_z = NoTrunk()(torch.rand(1, 8, 8, 8), torch.tensor([0]), [1], False)
        >>> x.shape, gates
        (torch.Size([1, 8, 8, 8]), [])
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[str] = []

    def forward(
        self, x: torch.Tensor, modality: torch.Tensor, counts: list[int], hard: bool
    ) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
        """Return the tokens, no gate, and 0; arguments as in `Trunk`."""
        gates: list[torch.Tensor] = []
        return x, gates, torch.zeros([], device=x.device)
