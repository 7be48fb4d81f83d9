"""Paths as a user typed them: Fire reads them as Python, and MONAI reads a `#` as a step into a config."""

from __future__ import annotations

import shlex
from typing import Any

_QUOTES = ("'", '"')


def path_problem(value: Any, typed: str | None) -> str | None:
    """Why a value cannot stand for the path that was meant.

    Args:
        value: The path as Fire and MONAI read it.
        typed: It as it stood on the command line, "" where nothing did; None where it came another way.

    Returns:
        What was found and wanted; None if the path is meant as it is read.
    """
    meant = value if typed is None else typed
    if typed == "" or (isinstance(value, str) and not value.strip()):
        return "found nothing, wanted a path (is a shell variable empty?)"
    if isinstance(meant, str) and ("#" in meant or "::" in meant):
        return f"found {meant!r}, wanted a path without # and ::, which MONAI confuses: rename it or link to it"
    if typed is None and not isinstance(value, str):
        return f"found {value!r}, wanted text"
    if not isinstance(value, str) or (typed is not None and value != typed and not typed.startswith(_QUOTES)):
        return quote_it(str(meant), value)
    if value.startswith("~"):
        return f"found {meant!r}, wanted the whole path: your shell did not replace the ~"
    if value.startswith("@"):
        return f"found {meant!r}, which MONAI takes for a reference, wanted a path: './{value}'"
    return None


def paths_problem(value: Any, typed: str | None) -> str | None:
    """The same of a list of paths.

    Args:
        value: As in `path_problem`.
        typed: As in `path_problem`.
    """
    example = "\"['a','b']\""
    if not isinstance(value, list) or not value:
        return f"found {typed or value!r}, wanted a list of paths, {example}"
    for one in value:
        if not isinstance(one, str) or (typed is not None and one not in typed):
            return f"found {one!r} in {typed or value!r}, wanted each path in quotes, {example}"
        problem = path_problem(one, None)
        if problem:
            return problem
    return None


def quote_it(typed: str, value: Any) -> str:
    """What to type for a text that Fire reads as something else: quotes for Python within quotes for the shell.

    Args:
        typed: What was typed.
        value: What Fire made of it.
    """
    inner = repr(typed) if '"' in typed or "\\" in typed else f'"{typed}"'
    read = "" if str(value) == typed else f", which is read as {value!r}"
    return f"found {typed!r}{read}, wanted text: quote it twice, {shlex.quote(inner)}"
