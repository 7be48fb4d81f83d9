"""What MONAI has no word for: `python -m custom prepare|synthesise`."""

import contextlib
import functools
import inspect
import io
import re
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import fire
from fire.core import FireExit

from .checks import RequestError, did_you_mean, given_options
from .data.drawn.glands import synthesise as draw_glands
from .data.drawn.volumes import synthesise as draw_volumes
from .data.tiles import prepare as glands
from .data.volumes import declaration
from .data.volumes import prepare as prepare_volumes

Number = TypeVar("Number", int, float)
NAMES = (*glands.READERS, *declaration.SHIPPED)


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
    data_set: str | None = None,
) -> None:
    """Check a data set in its owner's layout and write it as DATA/datalist.json.

    Args:
        name: of glands, one of glas, crag, and folder (your own, images/ and masks/, optional unlabelled/, test/images
            and test/masks); of volumes, one of flare22, amos22, atlas23, btcv, acdc, hippocampus, and folder with
            --data_set (your own, images/ and labels/, optional unlabelled/, test/images and test/labels).
        source: the zip as downloaded, or a directory.
        output: the directory to write; one that an earlier prepare wrote is replaced.
        labelled: for glands, how many training images keep their masks: a number, a fraction between 0 and 1, or all.
        validation: fraction of the training images to hold out, by patient where patients are known.
        test: for volumes, fraction to hold out for the evaluation, by patient.
        seed: another seed draws other images.
        split: a JSON file {"training": [ids], "unlabelled": [ids], "validation": [ids]} instead of a draw, for volumes
            with "test" too; FILE#NAME for a file with several such lists by name.
        patients: for folder and for volumes, a CSV file with the columns id and patient and a line for each image: a
            for images/a.png, unlabelled_b for unlabelled/b.png, test_c for test/images/c.png; for volumes the file's
            name without its suffix. A patient's outlined images stay together.
        mpp: for glands, µm a pixel; wanted for folder, known for the others.
        data_set: for folder, a JSON file that says what your volumes are: labels, modalities, spacing, layout.
    """
    volumes = data_set is not None or name in declaration.SHIPPED
    options = {"source": source, "output": output, "split": split, "labelled": labelled, "validation": validation}
    options |= {"test": test, "seed": seed, "patients": patients, "mpp": mpp, "data_set": data_set}
    foreign = {"labelled": "all", "mpp": None} if volumes else {"test": "0"}
    _check_recipe(name, options, foreign, "volumes" if volumes else "glands")
    common: dict[str, Any] = {
        "validation": _number("validation", validation, float),
        "seed": _number("seed", seed, int),
        "split": split,
        "patients": None if patients is None else Path(patients).expanduser(),
        "command": _command(name, options, foreign),
    }
    paths = Path(source).expanduser(), Path(output).expanduser()
    if volumes:
        facts = declaration.read(Path(data_set).expanduser()) if data_set else declaration.shipped(name)
        lines = prepare_volumes.prepare(facts, *paths, test=_number("test", test, float), **common)
    else:
        microns = None if mpp is None else _number("mpp", mpp, float)
        lines = glands.prepare(name, *paths, labelled=labelled, mpp=microns, **common)
    print("\n".join(lines))


def _check_recipe(name: str, options: Mapping[str, str | None], foreign: Mapping[str, str | None], kind: str) -> None:
    """Refuse a data set that is unknown, and options of the other recipe, given by their defaults."""
    if name not in NAMES:
        wanted = f"wanted one of {', '.join(NAMES)}{did_you_mean(name, NAMES)}"
        raise RequestError(f"found the data set {name!r}, {wanted}")
    if options["data_set"] is not None and name != "folder":
        raise RequestError(f"--data_set: found it with {name}, wanted it with folder alone")
    for option, default in foreign.items():
        if options[option] != default:
            raise RequestError(f"--{option}: is not for {kind}, wanted it left out")


def _command(name: str, options: Mapping[str, str | None], foreign: Iterable[str]) -> str:
    """The command to record; what a list file leaves no choice of is left out, as is what was not given."""
    drawn = {"labelled": "all", "validation": "0", "test": "0"}
    listed = options["split"] is not None and all(options[key] == value for key, value in drawn.items())
    left_out = {*foreign, *(drawn if listed else ())}
    given = {key: value for key, value in options.items() if value is not None and key not in left_out}
    words = [word for key, value in given.items() for word in (f"--{key}", value)]
    return shlex.join(["python", "-m", "custom", "prepare", name, *words])


def synthesise(*, output: str, recipe: str = "gland", number: str = "24", seed: str = "0") -> None:
    """Draw synthetic images with their labels as folders for `prepare folder`.

    Glands: with `--mpp 0.62 --split DIR/split.json`. Volumes: DIR/synthetic_ct and DIR/synthetic_mr, each with its
    `--data_set DIR/synthetic_ct/data_set.json`.

    Args:
        output: a new directory.
        recipe: gland or organ.
        number: how many images; of volumes, how many of each data set.
        seed: another seed draws other images.
    """
    draw = {"gland": draw_glands, "organ": draw_volumes}
    if recipe not in draw:
        raise RequestError(f"--recipe: found {recipe!r}, wanted {' or '.join(draw)}")
    draw[recipe](Path(output).expanduser(), _number("number", number, int), _number("seed", seed, int))


def _number(option: str, text: str, kind: type[Number]) -> Number:
    try:
        return kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise RequestError(f"--{option}: found {text!r}, wanted {wanted}") from None


def _quoted(word: str) -> str:
    """Keep Fire from reading `10` as a number, `lists.json#20%` as Python with a comment, `1e3` as 1000.0."""
    if not word.startswith("-"):
        return repr(word)
    option, equals, value = word.partition("=")
    return option + equals + repr(value) if equals else word


COMMANDS: dict[str, Callable[..., None]] = {"prepare": prepare, "synthesise": synthesise}
EXAMPLES = {
    "prepare": "prepare folder --source my_glands --output my_data --mpp 0.5",
    "synthesise": "synthesise --output my_glands",
}


def main() -> int:
    """Run one command.

    Returns:
        The exit status: 0 done, 2 the request is wrong, 130 interrupted; 143 on SIGTERM is raised.
    """
    signal.signal(signal.SIGTERM, _terminated)
    try:
        for command in _parse(sys.argv[1:]):
            command()
    except RequestError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _parse(words: list[str]) -> list[Callable[[], None]]:
    """What Fire makes of the command line, not yet run: Fire itself would run it and find an unknown option after."""
    chosen: list[Callable[[], None]] = []

    def later(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def note(*args: object, **kwargs: object) -> None:
            # A flag without its value arrives as True.
            options = {key: value if value is None else str(value) for key, value in kwargs.items()}
            chosen.append(functools.partial(command, *map(str, args), **options))

        return note

    verb = words[0] if words else ""
    asks_help = not words or not {"--help", "-h"}.isdisjoint(words)
    if verb not in COMMANDS and not (asks_help and verb[:1] in ("", "-")):
        near = did_you_mean(verb, COMMANDS) or f", wanted {' or '.join(COMMANDS)}; see python -m custom --help"
        raise RequestError(f"unknown command {verb!r}{near}")
    words = [verb, *map(_quoted, words[1:])]
    if asks_help:
        words = [verb, "--help"] if verb in COMMANDS else ["--help"]
    else:
        _check_options(verb, words[1:])
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            commands = {name: later(command) for name, command in COMMANDS.items()}
            fire.Fire(commands, words, name="python -m custom")
    except FireExit as error:
        if error.code == 0:
            print(re.sub(r"INFO: .*\n+", "", said.getvalue()).replace("'python -m custom'", "python -m custom"), end="")
            return []
        reason = error.trace.elements[-1].ErrorAsStr()
        raise RequestError(f"{reason}; see python -m custom {verb} --help") from error
    return chosen


def _check_options(verb: str, words: list[str]) -> None:
    """Refuse options that are unknown or missing, in better words than Fire's."""
    parameters = inspect.signature(COMMANDS[verb]).parameters
    nameless = [name for name, one in parameters.items() if one.kind != one.KEYWORD_ONLY]
    given = given_options(words, nameless)
    letters = {name[0] for name in parameters}  # Fire takes -o for --output, and refuses -s, which several begin with
    for name in given:
        if name not in parameters and name not in letters:
            near = did_you_mean(name, parameters, "--") or f"; see python -m custom {verb} --help"
            raise RequestError(f"unknown option --{name}{near}")
    needed = [name for name, one in parameters.items() if one.default is one.empty]
    if missing := [name for name in needed if name not in given and name[0] not in given]:
        shown = {"name": f"NAME ({', '.join(NAMES)})"}
        found = ", ".join(shown.get(name, f"--{name}") for name in missing)
        example = f"python -m custom {EXAMPLES[verb]}"
        raise RequestError(f"{verb}: missing {found}; for example {example}; see python -m custom {verb} --help")


def _terminated(number: int, frame: FrameType | None) -> None:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
