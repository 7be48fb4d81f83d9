"""`python -m custom prepare|synthesise`: how a command line becomes a call, and how it ends."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import re
import signal
import sys
from collections.abc import Callable
from types import FrameType

import fire
from fire.core import FireExit

from .checks import RequestError, did_you_mean, typed_options
from .commands import prepare, synthesise
from .recipes import FOLDER, RECIPES

DATA_SETS = (*(name for recipe in RECIPES.values() for name in recipe.data_sets), FOLDER)
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
    verb = words[0] if words else ""
    asks_help = not words or not {"--help", "-h"}.isdisjoint(words)
    if verb not in COMMANDS and not (asks_help and verb[:1] in ("", "-")):
        near = did_you_mean(verb, COMMANDS) or f", wanted {' or '.join(COMMANDS)}; see python -m custom --help"
        raise RequestError(f"unknown command {verb!r}{near}")
    if asks_help:
        return _run_fire([verb, "--help"] if verb in COMMANDS else ["--help"], verb)
    words = [verb, *map(_quoted, words[1:])]
    _check_options(verb, words[1:])
    return _run_fire(words, verb)


def _run_fire(words: list[str], verb: str) -> list[Callable[[], None]]:
    chosen: list[Callable[[], None]] = []

    def later(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def note(*args: object, **kwargs: object) -> None:
            # A flag without its value arrives as True.
            options = {key: value if value is None else str(value) for key, value in kwargs.items()}
            chosen.append(functools.partial(command, *map(str, args), **options))

        return note

    written = io.StringIO()
    try:
        with contextlib.redirect_stderr(written):
            fire.Fire({name: later(command) for name, command in COMMANDS.items()}, words, name="python -m custom")
    except FireExit as error:
        if error.code == 0:
            text = re.sub(r"INFO: .*\n+", "", written.getvalue())
            print(text.replace("'python -m custom'", "python -m custom"), end="")
            return []
        reason = error.trace.elements[-1].ErrorAsStr()
        raise RequestError(f"{reason}; see python -m custom {verb} --help") from error
    return chosen


def _quoted(word: str) -> str:
    """Keep Fire from reading `10` as a number, `lists.json#20%` as Python with a comment, `1e3` as 1000.0."""
    if not word.startswith("-"):
        return repr(word)
    option, equals, value = word.partition("=")
    return option + equals + repr(value) if equals else word


def _check_options(verb: str, words: list[str]) -> None:
    """Refuse options that are unknown or missing, in better words than Fire's."""
    parameters = inspect.signature(COMMANDS[verb]).parameters
    nameless = [name for name, one in parameters.items() if one.kind != one.KEYWORD_ONLY]
    given = typed_options(words, nameless)
    letters = {name[0] for name in parameters}  # Fire takes -o for --output, and refuses -s, which several begin with
    for name in given:
        if name not in parameters and name not in letters:
            near = did_you_mean(name, parameters, "--") or f"; see python -m custom {verb} --help"
            raise RequestError(f"unknown option --{name}{near}")
    for name, (typed, _) in given.items():
        if typed.strip("'\" ") == "":  # quoted for Fire
            raise RequestError(f"--{name}: found nothing, wanted a value (is a shell variable empty?)")
    needed = [name for name, one in parameters.items() if one.default is one.empty]
    if missing := [name for name in needed if name not in given and name[0] not in given]:
        shown = {"name": f"NAME ({', '.join(DATA_SETS)})"}
        found = ", ".join(shown.get(name, f"--{name}") for name in missing)
        example = f"python -m custom {EXAMPLES[verb]}"
        raise RequestError(f"{verb}: missing {found}; for example {example}; see python -m custom {verb} --help")


def _terminated(number: int, frame: FrameType | None) -> None:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
