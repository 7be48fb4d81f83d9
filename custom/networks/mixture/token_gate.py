"""A gate with one weight a token and expert. Axes: as in `custom.networks.mixture`, m modalities."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional as F


class _Preference(nn.Module):
    """What one modality thinks of each expert that it sees, before any token has spoken; -inf of the others."""

    def __init__(self, experts: int, own: int, prior: float | None) -> None:
        super().__init__()
        bias = torch.zeros(experts)
        if prior is None:
            self.register_buffer("bias", bias, persistent=False)
        else:
            bias[own] = prior
            self.bias = nn.Parameter(bias)

    def forward(self, experts: int) -> torch.Tensor:
        hidden = max(0, experts - self.bias.shape[0])
        return F.pad(self.bias, [0, hidden], value=float("-inf"))[:experts]


class TokenGate(nn.Module):
    """A softmax over the experts for every token: `weights = softmax_e(W x + b + preference[modality])`.

    The gate that M4oE states (arXiv 2405.09446), "dynamically modulating each expert's contribution". The preference is
    ours: learned, and `prior` at the start for the expert of the image's own modality, so that the experts are told
    apart before the tokens can tell them.

    A modality sees the experts that were there when it was trained, a prefix of all; the others get exactly 0. Every
    expert has a row of W and every modality a preference of its own, so that one that joins changes no old number.

    Args:
        channels: Channels of a token, c.
        sees: Each expert, named by its modality, in their order: how many experts, from the first on, images of that
            modality see.
        prior: Preference for the own expert at the start; None: none at all, as the paper states.

    Example:
        >>> gate = TokenGate(channels=8, sees={"ct": 2, "mr": 2}, prior=2.0)
        >>> weights, router_z = gate(torch.zeros(1, 4, 4, 8), torch.tensor([1]), experts=2)
        >>> weights[0, 0, 0]  # softmax of 0 and 2
        tensor([0.1192, 0.8808], grad_fn=<SelectBackward0>)
    """

    def __init__(self, channels: int, sees: Mapping[str, int], prior: float | None = 2.0) -> None:
        super().__init__()
        self.scores = nn.ModuleDict({name: nn.Linear(channels, 1) for name in sees})
        self.preferences = nn.ModuleDict(
            {name: _Preference(experts, own, prior) for own, (name, experts) in enumerate(sees.items())}
        )
        for row in self.scores.values():
            nn.init.trunc_normal_(row.weight, std=0.02)  # type: ignore[arg-type]
            nn.init.zeros_(row.bias)  # type: ignore[arg-type]

    def forward(self, tokens: torch.Tensor, modality: torch.Tensor, experts: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Score the experts at every token.

        Args:
            tokens: `(b, h, w, c)`.
            modality: Each image's own expert, `(b,)`.
            experts: Score this many, from the first on; no modality in `modality` sees more.

        Returns:
            Weights `(b, h, w, e)`, float32, summing to one, and the mean over the tokens of `logsumexp(scores)^2`.
        """
        weight: list[torch.Tensor] = []
        bias: list[torch.Tensor] = []
        for index, row in enumerate(self.scores.values()):
            if index < experts:
                weight.append(row.weight)  # type: ignore[arg-type]
                bias.append(row.bias)  # type: ignore[arg-type]
        preferences: list[torch.Tensor] = []
        for preference in self.preferences.values():
            preferences.append(preference(experts))
        # Under autocast only the product is in bfloat16.
        scores = F.linear(tokens, torch.cat(weight), torch.cat(bias)).float()
        scores = scores + torch.stack(preferences)[modality][:, None, None]
        return torch.softmax(scores, dim=-1), scores.logsumexp(-1).square().mean()
