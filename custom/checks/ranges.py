"""Which values a setting may have: a config says so in `_range_`, beside the `_desc_` that says what it means.

A range is a text of alternatives, divided by ` | `:

    whole 1..100       a whole number; without an end, `whole 1..`, there is no upper bound
    number 0.05..20    a number
    2 numbers 0.1..10  a list of so many, none smaller than the one before
    numbers by name 0..10    a dictionary of numbers
    path, paths        one, or a list; as they were typed
    text, texts        one, or a list
    device
    true, false, null, empty, and any other word or number: itself
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import import_module
from numbers import Integral, Real
from typing import Any

from .errors import RequestError
from .typed_paths import path_problem, paths_problem, quote_it

_BOUNDED = re.compile(r"(?:(\d+) )?(whole|number|numbers by name|numbers) (\S+?)\.\.(\S*)")
_PATHS = {"path": path_problem, "paths": paths_problem}
_ITSELF = {"true": True, "false": False, "null": None, "empty": ""}


def check_range(name: str, value: Any, allowed: str, typed: str | None = None, described: str = "") -> None:
    """Refuse a value that is outside of what a setting may have.

    Args:
        name: Of the setting.
        value: Found for it.
        allowed: The range.
        typed: The value as it stood on the command line; None where it came another way.
        described: What `_desc_` says of the setting, for the message.

    Raises:
        RequestError: The value is outside; says what was found and wanted.
    """
    alternatives = allowed.split(" | ")
    if typed and "#" in typed and not set(alternatives) & _PATHS.keys():
        raise RequestError(f"--{name}: found {typed!r}, wanted it without #, after which nothing is read")
    if any(_fits(value, one) for one in alternatives if one not in _PATHS):
        return
    problems = [_PATHS[one](value, typed) for one in alternatives if one in _PATHS]
    if None in problems:
        return
    if problems:
        raise RequestError(f"--{name}: {problems[-1 if isinstance(value, list) else 0]}")
    found = "nothing" if typed == "" else repr(value if typed is None else typed)
    if re.fullmatch(r"-?\d+,\d+", typed or ""):
        found += " with a decimal comma"
    if "text" in alternatives and typed:
        raise RequestError(f"--{name}: {quote_it(typed, value)}")
    meaning = f" ({described.split(';')[0]})" if described and ".." in allowed else ""
    raise RequestError(f"--{name}: found {found}, wanted {wanted(allowed)}{meaning}")


def wanted(allowed: str) -> str:
    """A range in words.

    Args:
        allowed: The range.

    Returns:
        For example `a whole number of at least 1` or `none, confidence or agreement`.
    """
    *first, last = [_in_words(one) for one in allowed.split(" | ")]
    return f"{', '.join(first)} or {last}" if first else last


def _fits(value: Any, one: str) -> bool:
    if one == "device":
        return str(value) in _devices()
    if one in ("text", "texts"):
        several = [value] if one == "text" else value if isinstance(value, list | tuple) else []
        return len(several) > 0 and all(isinstance(each, str) and each.strip() != "" for each in several)
    bounded = _BOUNDED.fullmatch(one)
    if bounded is None:
        itself = _itself(one)
        return value == itself and isinstance(value, bool) == isinstance(itself, bool)
    count, noun, low, high = bounded.groups()
    kind = Integral if noun == "whole" else Real

    def inside(each: Any) -> bool:
        # A truth value is a whole number to Python; and infinity is in no range.
        is_number = isinstance(each, kind) and not isinstance(each, bool) and each != float("inf")
        return is_number and float(low) <= each <= float(high or "inf")

    if noun == "numbers by name":
        return isinstance(value, Mapping) and bool(value) and all(map(inside, value.values()))
    if noun == "numbers":
        is_list = isinstance(value, list | tuple) and len(value) == int(count)
        return is_list and all(map(inside, value)) and list(value) == sorted(value)
    return inside(value)


def _in_words(one: str) -> str:
    if one == "device":
        return " or ".join(_devices()) + ("" if len(_devices()) > 1 else ", since PyTorch finds no GPU here")
    bounded = _BOUNDED.fullmatch(one)
    if bounded is None:
        return {"empty": "nothing", "true": "True", "false": "False", "texts": "a list of texts"}.get(one, one)
    count, noun, low, high = bounded.groups()
    bounds = f"from {low} to {high}" if high else f"of at least {low}"
    words = {"whole": "a whole number", "number": "a number", "numbers": f"{count} rising numbers"}
    return f"{words.get(noun, noun)} {bounds}"


def _itself(one: str) -> Any:
    if one in _ITSELF:
        return _ITSELF[one]
    try:
        return json.loads(one)
    except ValueError:
        return one


def _devices() -> list[str]:
    """What there is to compute on."""
    # Not at the top: torch takes seconds to import, which a command that names no device should not pay.
    torch = import_module("torch")
    gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return ["cpu", *(["mps"] if torch.backends.mps.is_available() else []), *(["cuda", *gpus] if gpus else [])]
