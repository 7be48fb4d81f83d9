"""The settings of a config: all that is given has an effect, and every value is one that the setting may have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .errors import RequestError, did_you_mean
from .ranges import check_range

# What MONAI, its label server and its trackers look for by name.
_MONAIS = {"imports", "initialize", "run", "finalize", "displayable_configs", "val_interval", "bundle_root"}
_CONFIG_SIGNS = ("$", "@", "%")
_REFERENCE = re.compile(r"[@%](\w+)")


def check_settings(config: Mapping[str, Any], typed: Mapping[str, str | None], parser: Any | None = None) -> None:
    """Refuse a name without effect, where the config explains its names, and a value outside of what `_range_` allows.

    Args:
        config: All config files merged, with the options.
        typed: Options of a command line to what was typed.
        parser: MONAI's parser of this config, which can tell the value of an expression.

    Raises:
        RequestError: Names the first of them.
    """
    for name in _without_effect(config):
        raise RequestError(f"unknown option --{name}{did_you_mean(name, _known(config), '--')}")
    ranges, described = config.get("_range_", {}), config.get("_desc_", {})
    for name, allowed in ranges.items():
        check_value(name, config.get(name), allowed, config, typed.get(name), described.get(name, ""), parser)


def check_value(
    name: str,
    value: Any,
    allowed: str,
    config: Mapping[str, Any],
    typed: str | None = None,
    described: str = "",
    parser: Any | None = None,
) -> None:
    """Refuse a value outside of a range, also where an expression that a user typed gives it.

    Args:
        name: Of the setting; it may be a path into the config.
        value: Found for it.
        allowed: The range.
        config: As in `check_settings`.
        typed: The value as it stood on the command line.
        described: What `_desc_` says of the setting.
        parser: As in `check_settings`.

    Raises:
        RequestError: The value is outside, or the expression fails.
    """
    if isinstance(value, str) and value.startswith(_CONFIG_SIGNS):
        known = value[0] != "@" or _referred(value) <= config.keys()
        if known and typed and value[0] != "%" and parser is not None:
            value, typed = _evaluated(name, value, parser), None
        elif known:
            return
    check_range(name, value, allowed, typed, described)


def _evaluated(name: str, expression: str, parser: Any) -> Any:
    """What an expression or a reference that a user typed stands for."""
    try:
        return parser.get_parsed_content(name)
    except Exception as error:
        if isinstance(error.__cause__, RequestError):
            raise error.__cause__ from error
        reason = f"it fails ({error.__cause__ or error})"
        raise RequestError(f"--{name}: found {expression!r}, which MONAI runs as Python: {reason}") from error


def _without_effect(config: Mapping[str, Any]) -> Iterator[str]:
    """Plain values that nothing explains or refers to: what a variant leaves unused is an expression or a component."""
    known = _known(config)
    for name, value in config.items() if "_desc_" in config else ():
        if name not in known and not name.startswith(("_", "+")) and _is_plain(value):
            yield name


def _known(config: Mapping[str, Any]) -> set[str]:
    return {name for text in _texts(config) for name in _referred(text)} | _MONAIS | config.get("_desc_", {}).keys()


def _is_plain(value: Any) -> bool:
    if value is None or (isinstance(value, list | Mapping) and not value):
        return False
    return "_target_" not in _keys(value) and not any(text.startswith(_CONFIG_SIGNS) for text in _texts(value))


def _keys(value: Any) -> Iterable[str]:
    return value if isinstance(value, Mapping) else ()


def _referred(text: str) -> set[str]:
    return set(_REFERENCE.findall(text))


def _texts(node: Any) -> Iterator[str]:
    children: Iterable[Any] = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    if isinstance(node, str):
        yield node
    for child in children:
        yield from _texts(child)
