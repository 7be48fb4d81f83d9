"""The verbs of `python -m custom`: what MONAI has no word for. Every option arrives as the user typed it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from .checks import RequestError
from .recipes import RECIPES, Recipe, recipe_for
from .recipes import number as as_number


def prepare(
    name: str,
    *,
    source: str,
    output: str,
    labelled: str = "all",
    validation: str = "0",
    test: str = "0",
    seed: str = "0",
    split: str | None = None,
    patients: str | None = None,
    mpp: str | None = None,
    classes: str | None = None,
    data_set: str | None = None,
) -> None:
    """Check a data set in its owner's layout and write it as DATA/datalist.json.

    Args:
        name: Of glands, one of glas, crag, and folder (your own, images/ and masks/, optional unlabelled/, test/images
            and test/masks); of volumes, one of flare22, amos22, atlas23, btcv, acdc, hippocampus, and folder with
            --data_set (your own, images/ and labels/, optional unlabelled/, test/images and test/labels).
        source: The zip as downloaded, or a directory.
        output: The directory to write; one that an earlier prepare wrote is replaced.
        labelled: For glands, how many training images keep their masks: a number, a fraction between 0 and 1, or all.
        validation: Fraction of the training images to hold out, by patient where patients are known.
        test: For volumes, fraction to hold out for the evaluation, by patient.
        seed: Another seed draws other images.
        split: A JSON file {"training": [ids], "unlabelled": [ids], "validation": [ids]} instead of a draw, for volumes
            with "test" too; FILE#NAME for a file with several such lists by name.
        patients: For folder and for volumes, a CSV file with the columns id and patient and a line for each image: a
            for images/a.png, unlabelled_b for unlabelled/b.png, test_c for test/images/c.png; for volumes the file's
            name without its suffix. A patient's outlined images stay together. An optional column mpp, for glands,
            has the µm a pixel of images from another scanner.
        mpp: For glands, µm a pixel; wanted for folder, known for the others.
        classes: For glands in a folder, the classes of QuPath's outlines that are glands, with commas between them,
            such as "Gland,Benign gland"; Unclassified names those without one. Of mask images the values, such as 1,2.
        data_set: For folder, a JSON file that says what your volumes are: labels, modalities, spacing, layout.
    """
    recipe = recipe_for(name, data_set)
    options = {"source": source, "output": output, "split": split, "labelled": labelled, "validation": validation}
    options |= {"test": test, "seed": seed, "patients": patients, "mpp": mpp, "classes": classes}
    options["data_set"] = data_set
    foreign = _refuse_foreign(recipe, options)
    asked = {**options, "command": _command(name, options, foreign)}
    print("\n".join(recipe.prepare(name, Path(source).expanduser(), Path(output).expanduser(), asked)))


def synthesise(*, output: str, recipe: str = "gland", number: str = "24", seed: str = "0") -> None:
    """Draw synthetic images with their labels as folders for `prepare folder`.

    Glands: with `--mpp 0.62 --split DIR/split.json`. Volumes: DIR/synthetic_ct and DIR/synthetic_mr, each with its
    `--data_set DIR/synthetic_ct/data_set.json`.

    Args:
        output: A new directory.
        recipe: The word gland or organ.
        number: How many images; of volumes, how many of each data set.
        seed: Another seed draws other images.
    """
    if recipe not in RECIPES:
        raise RequestError(f"--recipe: found {recipe!r}, wanted {' or '.join(RECIPES)}")
    RECIPES[recipe].draw(Path(output).expanduser(), as_number("number", number, int), as_number("seed", seed, int))


def _refuse_foreign(recipe: Recipe, options: Mapping[str, str | None]) -> list[str]:
    """Refuse options of other recipes alone; their names, which the recorded command leaves out."""
    others = {name: default for one in RECIPES.values() for name, default in one.options.items()}
    foreign = {name: default for name, default in others.items() if name not in recipe.options}
    for name, default in foreign.items():
        if options[name] != default:
            raise RequestError(f"--{name}: is not for the {recipe.name} recipe, wanted it left out")
    return list(foreign)


def _command(name: str, options: Mapping[str, str | None], foreign: Iterable[str]) -> str:
    """The command to record; what a list file leaves no choice of is left out, as is what was not given."""
    drawn = {"labelled": "all", "validation": "0", "test": "0"}
    listed = options["split"] is not None and all(options[key] == value for key, value in drawn.items())
    left_out = {*foreign, *(drawn if listed else ())}
    given = {key: value for key, value in options.items() if value is not None and key not in left_out}
    words = [word for key, value in given.items() for word in (f"--{key}", value)]
    return shlex.join(["python", "-m", "custom", "prepare", name, *words])
