"""A trained network learns something new and forgets nothing. Axes: as in `custom.networks.m4oe`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ...checks import RequestError
from ...targets.organ_task import HeadTask, kept
from ..norms import JoinedNorm
from .m4oe import M4oE


def add_tasks(
    weights: Mapping[str, torch.Tensor],
    arguments: Mapping[str, Any],
    tasks: Mapping[str, HeadTask],
    like: str | None = None,
) -> M4oE:
    """Make a trained network larger: a head for each new data set, an expert, gate row and norms for each modality.

    These begin as copies of those that are there; a new head begins at random. Everything old is frozen, and an old
    modality does not see a new expert: what the network predicts for the old tasks stays the same to the bit, whatever
    the new parts learn. A data set of an old modality gets a head only.

    Args:
        weights: The trained network's `state_dict()`.
        arguments: Its `arguments`.
        tasks: The larger task table, the old tasks first and in their order.
        like: The modality whose expert and norms are copied; None: the first of the network, since the mean of
            experts that were trained apart is none.

    Returns:
        The larger network. What is old has `requires_grad` False, and its batch norms stay in evaluation mode in
        training mode: they learn without gradients.

    Raises:
        RequestError: The table does not begin with the network's tasks, has nothing new, the network has no expert
            for `like`, its gate cannot hide a new expert from old modalities, or the weights are not all of its.

    Example:
        >>> old = {"btcv": {"head": "btcv", "modality": "ct", "labels": {"1": "spleen"}}}
        >>> new = {**old, "acdc": {"head": "acdc", "modality": "mr", "labels": {"3": "left ventricle"}}}
        >>> network = M4oE(old, embed=24)
        >>> add_tasks(network.state_dict(), network.arguments, new).expert_names
        ['ct', 'mr']
    """
    _check_tasks(arguments["tasks"], tasks)
    joined = [list(names) for names in arguments["modalities"]]
    known = [name for names in joined for name in names]
    joining = _joining(arguments, tasks, known, like)
    if set(M4oE(**arguments).state_dict()) != set(weights):
        raise RequestError("the weights are of another version of this network, wanted them trained again")
    network = M4oE(**{**arguments, "tasks": tasks, "modalities": [*joined, joining] if joining else joined})
    like = like or known[0]
    network.load_state_dict({**network.state_dict(), **weights, **_copies(weights, like, joining)})
    for norm in [module for module in network.modules() if isinstance(module, JoinedNorm)]:
        for new in joining:
            norm.start_as(new, like)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in weights)
    network.frozen = True
    return network.train()


def _joining(
    arguments: Mapping[str, Any], tasks: Mapping[str, HeadTask], known: list[str], like: str | None
) -> list[str]:
    """The modalities that are new to the network."""
    if like is not None and like not in known:
        raise RequestError(f"the network has no expert {like!r} to copy, wanted one of {', '.join(known)}")
    modalities = dict.fromkeys(task["modality"] for task in tasks.values())
    joining = [modality for modality in modalities if modality not in known]
    if joining and arguments["gate"] == "channel":
        raise RequestError(f"the gate 'channel' cannot hide the new expert {joining[0]!r}, wanted another gate")
    return joining


def _check_tasks(old: Mapping[str, Any], tasks: Mapping[str, HeadTask]) -> None:
    shaping = kept(tasks)
    # A data set of a name that is taken stands in the old one's place.
    if taken := [name for name in old if name in shaping and shaping[name] != dict(old[name])]:
        raise RequestError(
            f"the name {taken[0]} is taken by a task of the network, which has other labels or another modality; "
            "give the data set another name"
        )
    if list(shaping)[: len(old)] != list(old) or any(shaping[name] != dict(old[name]) for name in old):
        raise RequestError(f"the tasks must begin with those of the network, {', '.join(old)}, got {', '.join(tasks)}")
    if len(tasks) == len(old):
        raise RequestError(f"found no task that the network does not have, wanted one beside {', '.join(old)}")


def _copies(weights: Mapping[str, torch.Tensor], like: str, joining: list[str]) -> dict[str, torch.Tensor]:
    """What each joining expert and its gate row take over, under their own names."""
    return {
        name.replace(f".{kind}.{like}.", f".{kind}.{new}."): value.clone()
        for new in joining
        for kind in ("experts", "scores")
        for name, value in weights.items()
        if f".{kind}.{like}." in name
    }
