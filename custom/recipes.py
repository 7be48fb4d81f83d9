"""What a recipe is: all that the commands and the tests know of it. Whatever serves every recipe walks `RECIPES`.

A recipe is a network with its losses and its step, the data sets that it takes, its configs, and the weights that are
shipped with their card. `CONTRIBUTING.md` says how one is added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .checks import RequestError, did_you_mean
from .data.drawn.glands import synthesise as draw_glands
from .data.drawn.volumes import synthesise as draw_volumes
from .data.tiles import prepare as tiles
from .data.volumes import declaration
from .data.volumes import prepare as volumes
from .place import bundle_root

CONFIGS = ("train", "evaluate", "inference", "metadata")
FOLDER = "folder"  # a user's own data set, for every recipe


@dataclass(frozen=True)
class Recipe:
    """One recipe.

    Attributes:
        name: Of the recipe; weights keep it.
        suffix: What the names of its configs and of its weights end with.
        since: The release that it came with; from then on each leaves a small run for the tests to go on with.
        card: The folder of its model card, in the bundle's `docs/`.
        data_sets: The data sets whose owners' layouts it reads, beside a user's own.
        options: Its own options of `prepare`, with what stands for "not given".
        prepare: Writes a data set: gets its name, source, output, and all options as the user typed them.
        draw: Draws a synthetic data set: gets a new directory, a number and a seed.
    """

    name: str
    suffix: str
    since: str
    card: str
    data_sets: tuple[str, ...]
    options: Mapping[str, str | None]
    prepare: Callable[[str, Path, Path, Mapping[str, Any]], list[str]]
    draw: Callable[[Path, int, int], None]

    def config(self, name: str) -> Path:
        """One of its configs in the bundle.

        Args:
            name: One of `CONFIGS`, or a variant.
        """
        return Path(bundle_root()) / "configs" / f"{name}{self.suffix}.json"

    @property
    def weights(self) -> Path:
        """The weights that are shipped."""
        return Path(bundle_root()) / "models" / f"model{self.suffix}.pt"

    @property
    def docs(self) -> Path:
        """The folder with the model card of these weights, their scores and curves."""
        return Path(bundle_root()) / "docs" / self.card


def recipe_for(name: str, data_set: str | None) -> Recipe:
    """The recipe that a data set is for.

    Args:
        name: Of the data set, as `prepare` is given it.
        data_set: The file that describes a user's own volumes; None where there is none.

    Raises:
        RequestError: No recipe knows the data set, or a description is given of one that is known.
    """
    known = (*(one for recipe in RECIPES.values() for one in recipe.data_sets), FOLDER)
    if name not in known:
        wanted = f"wanted one of {', '.join(known)}{did_you_mean(name, known)}"
        raise RequestError(f"found the data set {name!r}, {wanted}")
    if data_set is not None and name != FOLDER:
        raise RequestError(f"--data_set: found it with {name}, wanted it with {FOLDER} alone")
    if name == FOLDER:
        return RECIPES["gland" if data_set is None else "organ"]
    return next(recipe for recipe in RECIPES.values() if name in recipe.data_sets)


def number(option: str, text: str, kind: type) -> Any:
    """A number that a user typed.

    Args:
        option: Of the command line, for the message.
        text: What was typed.
        kind: Int or float.

    Raises:
        RequestError: It is none.
    """
    try:
        return kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise RequestError(f"--{option}: found {text!r}, wanted {wanted}") from None


def _prepare_glands(name: str, source: Path, output: Path, options: Mapping[str, Any]) -> list[str]:
    mpp = None if options["mpp"] is None else number("mpp", options["mpp"], float)
    own = {"labelled": options["labelled"], "mpp": mpp, "classes": options["classes"]}
    return tiles.prepare(name, source, output, **own, **_common(options))


def _prepare_organs(name: str, source: Path, output: Path, options: Mapping[str, Any]) -> list[str]:
    file = options["data_set"]
    declared = declaration.read(Path(file).expanduser()) if file else declaration.shipped(name)
    test = number("test", options["test"], float)
    return volumes.prepare(declared, source, output, test=test, **_common(options))


def _common(options: Mapping[str, Any]) -> dict[str, Any]:
    """What both recipes take."""
    return {
        "validation": number("validation", options["validation"], float),
        "seed": number("seed", options["seed"], int),
        "split": options["split"],
        "patients": None if options["patients"] is None else Path(options["patients"]).expanduser(),
        "command": options["command"],
    }


_GLAND = Recipe(
    name="gland",
    suffix="",
    since="0.1.0",
    card="",
    data_sets=("glas", "crag"),
    options={"labelled": "all", "mpp": None, "classes": None},
    prepare=_prepare_glands,
    draw=draw_glands,
)
_ORGAN = Recipe(
    name="organ",
    suffix="_organ",
    since="0.1.0",
    card="organ",
    data_sets=declaration.SHIPPED,
    options={"test": "0", "data_set": None},
    prepare=_prepare_organs,
    draw=draw_volumes,
)
RECIPES = {recipe.name: recipe for recipe in (_GLAND, _ORGAN)}
