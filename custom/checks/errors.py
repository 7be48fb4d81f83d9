"""What is wrong with a request, in the one line that the user reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

_NAMED = 3  # of several problems, these are named; the others are counted


class RequestError(Exception):
    """The request itself is wrong: a path, an option, a config or data. Its text is the one line the user reads."""


def did_you_mean(name: str, names: Iterable[str], prefix: str = "") -> str:
    """The nearest names, as the end of an error's line.

    Args:
        name: What was given.
        names: What there is.
        prefix: Stands before each name.

    Returns:
        For example `; did you mean --mpp?`; empty if nothing is near.
    """
    near = get_close_matches(name, sorted({n for n in names if n != "**"}), n=3)
    return f"; did you mean {' or '.join(prefix + n for n in near)}?" if near else ""


def raise_problems(problems: Sequence[str], number: int, things: str = "images") -> None:
    """Raise one error for several problems, naming the first three.

    Args:
        problems: What is wrong, a line each; none is fine.
        number: How many things were looked at.
        things: What they are called.

    Raises:
        RequestError: There is a problem; a single one stands as it is.
    """
    if len(problems) == 1:
        raise RequestError(problems[0])
    if problems:
        more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise RequestError(f"{len(problems)} of {number} {things} are wrong: {'; '.join(problems[:_NAMED])}{more}")
