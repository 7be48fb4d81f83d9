"""What 0.1.0 called things in its checkpoints and run records, in present words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_RECIPES = {"multimodal": "organ"}
# A gland network's arguments are told by `features`; each table gives the old word's present one.
_GLAND = {"tasks": "outputs", "experts": "expert_outputs"}
_FEATURES = {"experts": "expert_count"}
_ORGAN = {"experts": "modalities"}
_SETTINGS = {
    "balance": "load_balance",
    "loss#balance": "loss#class_balance",
    "network_def#experts": "network_def#expert_outputs",
}


def present_recipe(name: str) -> str:
    """A recipe's present name.

    Args:
        name: As a checkpoint has it.
    """
    return _RECIPES.get(name, name)


def present_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A network's arguments under their present names.

    Args:
        arguments: As a checkpoint or a run record has them, in old or present words.
    """
    if "features" not in arguments:
        return _renamed(arguments, _ORGAN)
    return {**_renamed(arguments, _GLAND), "features": _renamed(arguments["features"], _FEATURES)}


def present_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A run's settings under their present names.

    Args:
        settings: As a run record has them; a setting along a path stands under its path.
    """
    return _renamed(settings, _SETTINGS)


def _renamed(arguments: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    return {words.get(name, name): value for name, value in arguments.items()}
