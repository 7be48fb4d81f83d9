"""Checkpoints of our networks: weights together with what they belong to."""

from __future__ import annotations

import pickle
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import monai
import torch
from torch import nn

from ..checks import RequestError
from ..files import replacing
from .all_outputs import unwrap
from .old_words import present_arguments, present_recipe

_KEYS = ("model", "recipe", "network", "facts", "versions")
# What torch.load raises on a file that is no checkpoint, cut short, or holds more than weights.
_UNREADABLE = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    IndexError,
    AttributeError,
    TypeError,
)


def save(path: str | Path, network: nn.Module, facts: Mapping[str, Any]) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: The file; its folder is made if needed.
        network: The network, also inside `AllOutputs` or `DistributedDataParallel`.
        facts: What else the weights hold for, by the name of the config's option: `network_mpp` in µm a pixel,
            `distance_um`; numbers, texts, None, lists and dictionaries of them.
    """
    network = unwrap(network)
    checkpoint = {
        "model": network.state_dict(),
        "recipe": network.recipe,
        "network": network.arguments,
        "facts": dict(facts),
        "versions": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "monai": str(monai.__version__),
        },
    }
    write(path, checkpoint)


def write(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write tensors, whole or not at all.

    Args:
        path: The file; its folder is made if needed.
        content: Plain containers of tensors and numbers.

    Raises:
        RequestError: They cannot be written.
    """
    with replacing(path) as temporary:
        try:
            torch.save(content, temporary)
        except RuntimeError as error:  # torch has no other word for a disk that is full
            raise RequestError(f"{path}: cannot be written, is the disk full? ({_line(error)})") from error


def load(path: str | Path, network: nn.Module, facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read a checkpoint into a network of the same recipe and arguments; see `put`.

    Args:
        path: A file that `save` wrote.
        network: As in `put`.
        facts: As in `put`.

    Returns:
        The checkpoint's facts.

    Raises:
        RequestError: No such file, no checkpoint of ours, or one of another recipe, network or fact.
    """
    return put(read(path, unwrap(network).recipe), network, facts)  # type: ignore[arg-type]


def put(checkpoint: Mapping[str, Any], network: nn.Module, facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Put the weights of a checkpoint that is read already into a network of the same arguments.

    Args:
        checkpoint: What `read` gave.
        network: Gets the weights, also inside wrappers; untouched if anything is wrong.
        facts: What the network shall be used with, as in `save`; None takes the checkpoint's as they are.

    Returns:
        The checkpoint's facts.

    Raises:
        RequestError: The checkpoint is of another network or fact; it says which differ.
    """
    path, network = checkpoint["path"], unwrap(network)
    differences = _differences(checkpoint["network"], network.arguments)  # type: ignore[arg-type]
    if differences:
        raise RequestError(f"{path}: a checkpoint of another network: {differences}")
    for name, asked in (facts or {}).items():
        trained = checkpoint["facts"].get(name)
        if trained == asked:
            continue
        if isinstance(trained, Mapping) and isinstance(asked, Mapping):
            raise RequestError(f"{path}: trained with {_differences({name: trained}, {name: asked})}")
        raise RequestError(f"{path}: trained with {name} {trained}, wanted {asked}: give --{name} {trained}")
    _check_tensors(path, checkpoint["model"], network.state_dict())
    network.load_state_dict(checkpoint["model"])
    return dict(checkpoint["facts"])


def read(path: str | Path, recipe: str | None = None) -> dict[str, Any]:
    """Read a checkpoint before there is a network to load it into.

    Args:
        path: A file that `save` wrote.
        recipe: The recipe that it shall be of; None: any.

    Returns:
        `model`, the network's `state_dict()` on the CPU; `network`, the arguments that it was made with, to make the
        same again; `facts`, what the weights hold for, such as the task table; `recipe`, `versions` and `path`. Words
        of earlier releases are given as the present ones.

    Raises:
        RequestError: No such file, no checkpoint of ours, or one of another recipe.
    """
    path = Path(path)
    if not path.is_file():
        raise RequestError(f"{path}: no such checkpoint file")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        raise RequestError(f"{path}: not a checkpoint, or a damaged one ({type(error).__name__})") from error
    missing = [key for key in _KEYS if key not in checkpoint] if isinstance(checkpoint, dict) else list(_KEYS)
    if missing:
        raise RequestError(f"{path}: not a checkpoint of this project: it has no {', '.join(missing)}")
    for key in ("model", "network", "facts"):
        if not isinstance(checkpoint[key], Mapping):
            raise RequestError(f"{path}: not a checkpoint of this project: {key} must be a dictionary")
    found = present_recipe(checkpoint["recipe"])
    if recipe is not None and found != recipe:
        raise RequestError(f"{path}: a checkpoint of the recipe {found!r}, wanted one of {recipe!r}")
    return {**checkpoint, "recipe": found, "network": present_arguments(checkpoint["network"]), "path": path}


def _check_tensors(path: Path, found: Mapping[str, Any], wanted: Mapping[str, torch.Tensor]) -> None:
    shapes = {key: tuple(getattr(value, "shape", ())) for key, value in found.items()}
    differences = [f"{key} is missing" for key in wanted if key not in found]
    differences += [f"{key} is unknown" for key in found if key not in wanted]
    differences += [
        f"{key} is {list(shapes[key])} (wanted {list(value.shape)})"
        for key, value in wanted.items()
        if key in found and shapes[key] != tuple(value.shape)
    ]
    if differences:
        raise RequestError(f"{path}: a checkpoint of another network: {_few(differences)}")


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """The first few values that differ, each by its path; of other tasks the names alone."""
    tasks = [list(one.get("tasks", ())) for one in (found, wanted)]
    if set(tasks[0]) != set(tasks[1]):
        return f"the tasks {', '.join(tasks[0])} (wanted {', '.join(tasks[1])})"
    flat = [_flat(one) for one in (found, wanted)]
    return _few(
        [
            f"{key} {flat[0].get(key, 'absent')} (wanted {flat[1].get(key, 'absent')})"
            for key in sorted(flat[0].keys() | flat[1].keys())
            if flat[0].get(key) != flat[1].get(key)
        ]
    )


def _flat(arguments: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"features": {"name": "x"}} -> {"features.name": "x"}, so that differences can be named."""
    flat: dict[str, Any] = {}
    for key, value in arguments.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _few(differences: list[str], most: int = 4) -> str:
    more = f" and {len(differences) - most} more" if len(differences) > most else ""
    return "; ".join(differences[:most]) + more
