"""The first phase of M4oE. Axes: b images, c channels, h and w rows and columns."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..checks import RequestError
from ..networks.m4oe import M4oE


class MaskedReconstruction(nn.Module):
    """Teach every expert its own modality without labels: fill in what is masked (SimMIM, arXiv 2111.09886; Swin-MAE).

    Squares of the image are set to mid-grey before the stem, which gives skips that know nothing of them, and a learned
    token takes the place of theirs after it. Each image goes through its own modality's expert only. One 1x1 layer on
    the decoder's features draws all three slices, and the loss is the mean absolute error on masked pixels.

    The gates and the heads of `network` learn nothing here.

    Args:
        network: What is taught.
        ratio: Share of the squares that is masked, in (0, 1].
        block_px: Side of a square in pixels, a multiple of the stem's stride and a divisor of the network's multiple.

    Raises:
        ValueError: `ratio` is none of these.
        RequestError: `block_px` does not fit the network.

    Example:
        >>> tasks = {"btcv": {"head": "btcv", "modality": "ct", "labels": {"1": "spleen"}}}
        >>> phase = MaskedReconstruction(M4oE(tasks, embed=24))
        >>> loss, reconstruction = phase(torch.rand(2, 3, 40, 50), torch.tensor([0, 0]))
        >>> reconstruction.shape
        torch.Size([2, 3, 40, 50])
    """

    def __init__(self, network: M4oE, ratio: float = 0.75, block_px: int = 16) -> None:
        super().__init__()
        if not 0 < ratio <= 1:
            raise ValueError(f"ratio must be in (0, 1], got {ratio}")
        if block_px % network.stem.stride or network.multiple % block_px:
            wanted = f"a multiple of {network.stem.stride} that divides {network.multiple}"
            raise RequestError(f"--block_px: found {block_px}, wanted {wanted}")
        self.network, self.ratio, self.block_px = network, ratio, block_px
        self.token = nn.Parameter(torch.empty(network.embed))
        self.head = nn.Linear(network.stem.output_channels, 3 * network.output_stride**2)
        for weight in (self.token, self.head.weight):
            nn.init.trunc_normal_(weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, image: torch.Tensor, task: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mask at random (torch's default generator) and reconstruct.

        Args:
            image: `(b, 3, h, w)` in [0, 1], any size.
            task: Number of each image's task, `(b,)`.

        Returns:
            The loss, a scalar, and the reconstruction `(b, 3, h, w)` of the masked and the seen pixels.
        """
        height, width = image.shape[2:]
        modality = self.network.own_of_task[task, 0]  # type: ignore[index]
        order, back, counts = self.network.grouped(modality)
        image = image[order]
        prepared = self.network.prepare(image)
        squares = self._squares(prepared)
        hidden = squares.repeat_interleave(self.block_px, 1).repeat_interleave(self.block_px, 2)
        # 0 is mid-grey to the stem
        tokens, skips = self.network.stem(prepared.masked_fill(hidden.unsqueeze(1), 0.0), counts)
        per_square = self.block_px // self.network.stem.stride
        replaced = squares.repeat_interleave(per_square, 1).repeat_interleave(per_square, 2).unsqueeze(-1)
        tokens = torch.where(replaced, self.token.to(tokens.dtype), tokens)
        tokens, _, _ = self.network.mix(tokens, modality[order], counts, True)
        drawn = self.head(self.network.stem.finish(tokens, skips, counts)).float().permute(0, 3, 1, 2)
        drawn = F.pixel_shuffle(drawn, self.network.output_stride)[:, :, :height, :width]
        hidden = hidden[:, None, :height, :width].expand_as(image)
        error = (drawn - image).abs() * hidden
        return error.sum() / hidden.sum().clamp(min=1), drawn[back]

    def _squares(self, prepared: torch.Tensor) -> torch.Tensor:
        """Which squares of each image are masked, `(b, rows, columns)`; of each the same number."""
        rows, columns = prepared.shape[2] // self.block_px, prepared.shape[3] // self.block_px
        rank = torch.rand(len(prepared), rows * columns, device=prepared.device).argsort(1).argsort(1)
        return (rank < max(1, round(self.ratio * rows * columns))).unflatten(1, (rows, columns))
