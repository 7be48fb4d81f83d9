"""Experts for tokens, and the ways to them. Axes: as in `custom.networks.mixture`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from monai.networks.blocks import MLPBlock
from torch import nn
from torch.nn import functional as F

from ...checks import RequestError
from .average_gate import TokenAverageGate
from .channel_gate import ChannelGate
from .token_gate import TokenGate

ROUTINGS = ("soft", "top_k", "modality")
# Each is made from the channels of a token, and `sees` and `prior` as in `TokenGate`.
TOKEN_GATES: dict[str, Callable[[int, Mapping[str, int], float | None], nn.Module]] = {
    "token": TokenGate,
    "average": lambda channels, sees, prior: TokenAverageGate(sees),
    "channel": lambda channels, sees, prior: ChannelGate(channels),
}


class ExpertMixture(nn.Module):
    """Expert MLPs in the place of a transformer block's one MLP (linear, GELU, linear), and what leads to them.

    - `soft`: every token is given to all experts that its modality sees, and the gate weighs what they say.
    - `top_k`: only to the k with the largest weights; nothing else is computed. The softmax comes before the choice.
      For k = 1 the weight stays as a factor, through which the gate learns; for more they are scaled to sum to one.
    - `modality`: all tokens of an image to its own modality's expert. No gate.

    The loop is over the experts, never over images or tokens.

    Args:
        channels: Channels of a token, c.
        hidden: Width of an expert.
        sees: As in `TokenGate`.
        routing: One of these three.
        top_k: k, >= 1; where fewer experts are visible, all of them.
        gate: `token` (`TokenGate`), `average` (`TokenAverageGate`) or `channel` (`ChannelGate`); the last two are
            controls and only for `soft`, the last only where every modality sees all experts.
        prior: As in `TokenGate`.

    Raises:
        RequestError: Unknown routing or gate, a gate that cannot choose with `top_k`, or one that cannot hide an expert
            where a modality does not see all.

    Example:
        >>> mixture = ExpertMixture(channels=8, hidden=32, sees={"ct": 2, "mr": 2}, routing="top_k")
        >>> mixed, weights, router_z = mixture(torch.rand(3, 4, 4, 8), torch.tensor([0, 1, 1]), counts=[1, 2])
        >>> mixed.shape, weights.shape
        (torch.Size([3, 4, 4, 8]), torch.Size([3, 4, 4, 2]))
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        sees: Mapping[str, int],
        routing: str = "soft",
        top_k: int = 1,
        gate: str = "token",
        prior: float | None = 2.0,
    ) -> None:
        super().__init__()
        if routing not in ROUTINGS or gate not in TOKEN_GATES:
            found = f"found routing {routing!r} and gate {gate!r}"
            raise RequestError(f"{found}, wanted one of {', '.join(ROUTINGS)} and of {', '.join(TOKEN_GATES)}")
        if top_k < 1 or (routing == "top_k" and gate != "token"):
            raise RequestError(f"routing 'top_k' wants top_k >= 1 and the gate 'token', found {top_k} and {gate!r}")
        if gate == "channel" and min(sees.values()) < len(sees):
            raise RequestError("the gate 'channel' weighs all experts alike and can hide none from an old modality")
        self.experts = nn.ModuleDict({name: MLPBlock(channels, hidden, dropout_mode="swin") for name in sees})
        # By modality it is never asked, so it is the one without parameters.
        self.gate = TOKEN_GATES["average" if routing == "modality" else gate](channels, sees, prior)
        self.sees = torch.jit.annotate(list[int], list(sees.values()))
        self.routing, self.top_k, self.per_channel = routing, top_k, gate == "channel"

    def forward(
        self, tokens: torch.Tensor, modality: torch.Tensor, counts: list[int], hard: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Transform the tokens.

        Args:
            tokens: `(b, h, w, c)`; by modality, the images in the order of their experts.
            modality: Each image's own expert, `(b,)`.
            counts: How many images of the batch each expert owns, the same in numbers that need not be waited for.
            hard: By modality, whatever the routing is.

        Returns:
            The mixture `(b, h, w, c)`; the weights `(b, h, w, e)` before any choice, 0 for what is not seen, empty by
            modality and for `ChannelGate`, where no expert has a weight; and the gate's `router_z`.
        """
        if hard or self.routing == "modality":
            return self._own(tokens, counts), tokens.new_zeros([0]), torch.zeros([], device=tokens.device)
        experts = 0
        for index, count in enumerate(counts):
            if count > 0:
                experts = max(experts, self.sees[index])
        weights, router_z = self.gate(tokens, modality, experts)
        mixed = self._chosen(tokens, weights) if self.routing == "top_k" else self._all(tokens, weights, experts)
        if self.per_channel:
            return mixed, tokens.new_zeros([0]), router_z
        return mixed, F.pad(weights, [0, len(self.sees) - experts]), router_z

    def _own(self, tokens: torch.Tensor, counts: list[int]) -> torch.Tensor:
        mixed: list[torch.Tensor] = []
        start = 0
        for index, expert in enumerate(self.experts.values()):
            if counts[index] > 0:
                mixed.append(expert(tokens[start : start + counts[index]]))
                start += counts[index]
        return torch.cat(mixed)

    def _all(self, tokens: torch.Tensor, weights: torch.Tensor, experts: int) -> torch.Tensor:
        mixed = torch.zeros_like(tokens)
        for index, expert in enumerate(self.experts.values()):
            if index < experts:
                output = expert(tokens)
                mixed = mixed + (
                    output if self.per_channel else output * weights[..., index : index + 1].to(output.dtype)
                )
        return mixed * weights if self.per_channel else mixed

    def _chosen(self, tokens: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        top, choice = weights.flatten(0, 2).topk(min(self.top_k, weights.shape[-1]), dim=1)
        if top.shape[1] > 1:
            top = top / top.sum(1, keepdim=True)
        choice = choice.flatten()
        # Tokens of one expert side by side: each expert gets a slice, and one gather brings all back.
        order = choice.argsort(stable=True)
        counts: list[int] = torch.bincount(choice, minlength=weights.shape[-1]).tolist()
        source = torch.div(order, top.shape[1], rounding_mode="floor")
        grouped = tokens.flatten(0, 2).index_select(0, source)
        outputs: list[torch.Tensor] = []
        start = 0
        for index, expert in enumerate(self.experts.values()):
            if index < len(counts) and counts[index] > 0:
                outputs.append(expert(grouped[start : start + counts[index]]))
                start += counts[index]
        each = torch.cat(outputs).index_select(0, order.argsort()).unflatten(0, [top.shape[0], top.shape[1]])
        return (each * top.unsqueeze(-1).to(each.dtype)).sum(1).view(tokens.shape)
