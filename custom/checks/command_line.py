"""What `python -m monai.bundle run` was asked for: options that it takes in silence are refused, or recorded."""

from __future__ import annotations

import inspect
import pydoc
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from fire.parser import DefaultParseValue

from .errors import RequestError, did_you_mean
from .exits import blame, is_monai_command
from .running import check_load, running_parser
from .settings import check_settings, check_value

_FLAG = re.compile(r"--|-[a-zA-Z]")
_COMPONENT_WORDS = ("_target_", "_disabled_", "_requires_", "_desc_", "_mode_")
_WHOLE_NUMBERS = ("epochs", "per_epoch", "seed", "workers", "batch_size")
_PATHS = ("_dir", "_path", "_file", "_root")
_TRACKING = {"tracking_uri", "experiment_name", "run_name", "save_execute_config"}


@dataclass(frozen=True)
class _Asked:
    """MONAI's bundle package, its own options, the options given and as typed, and the merged config files."""

    bundle: Any
    named: list[str]
    options: dict[str, Any]
    typed: dict[str, str | None]
    config: dict[str, Any]

    @property
    def ranges(self) -> Mapping[str, str]:
        """What each setting may be."""
        return self.config.get("_range_", {})


def overrides() -> None:
    """Refuse what MONAI takes in silence: unknown options and run ids, values that cannot be.

    On MONAI's command line every `--name` is compared with MONAI's own options and the names in the config files given;
    along a path (`--train#trainer#max_epochs`) each step has to exist, or, as the last one, be an argument of the
    parent's `_target_`. Where Python runs a config, its overrides stand in the config already, and a plain value there
    has to have an effect. Everywhere a value has to be in the config's `_range_`.

    Raises:
        RequestError: Names what is unknown and the nearest names, or the value found and the kind wanted.
    """
    check_load()
    parser, asked = running_parser(), _asked()
    if asked is None:
        if parser is not None:
            check_settings(parser.config, {})
        return
    options, config = asked.options, asked.config
    known = {*asked.named, *inspect.signature(asked.bundle.ConfigWorkflow).parameters} - {"override"}
    known |= _TRACKING if options.get("tracking") else set()
    for name, value in options.items():
        if name not in known:
            replaced = any(name.startswith(f"{other}#") for other in options)
            default = _find(name.split("#")[0] if replaced else name, config, known)
            _check_option(name, value, default, asked)
    for run_id in (options.get("run_id") or "run", options.get("final_id")):
        if run_id and run_id not in asked.bundle.ConfigParser(config):
            near = did_you_mean(str(run_id), [name for name, value in config.items() if _is_runnable(value)])
            raise RequestError(f"unknown run id '{run_id}' in {options['config_file']}{near}")
    check_settings(config | {name: options[name] for name in options.keys() & config.keys()}, asked.typed, parser)


def merged_config() -> dict[str, Any]:
    """The config files named on MONAI's command line, merged, with the options given there: for the run's record.

    Returns:
        Top-level name to value; an option along a path stands under its path. Empty unless the process is MONAI's
        command line.
    """
    asked = _asked()
    return {} if asked is None else asked.config | asked.options


def given_options(tokens: Sequence[str], named: Sequence[str]) -> dict[str, Any]:
    """What Fire makes of a command line.

    Args:
        tokens: The words after the command.
        named: The command's arguments that a word without `--` stands for, in their order.

    Returns:
        Option to value; an option along a path has `#`, also where it was given with `::`.

    Raises:
        RequestError: An option is given twice, or a word is one too many.
    """
    return {name: value for name, (_, value) in typed_options(tokens, named).items()}


def typed_options(tokens: Sequence[str], named: Sequence[str]) -> dict[str, tuple[str, Any]]:
    """The options of a command line as they were typed, and what Fire makes of them.

    Args:
        tokens: As in `given_options`.
        named: As in `given_options`.

    Returns:
        Option to what was typed ("" where no value was) and its value.

    Raises:
        RequestError: As in `given_options`.
    """
    rest = list(tokens)
    if "--" in rest:  # Fire's own flags follow the last one
        del rest[len(rest) - 1 - rest[::-1].index("--") :]
    options: dict[str, tuple[str, Any]] = {}
    positional: list[str] = []
    while rest:
        token = rest.pop(0)
        if not _FLAG.match(token):
            positional.append(token)
            continue
        name, equals, typed = token.lstrip("-").partition("=")
        name = name.replace("-", "_").replace("::", "#")
        value: Any = True
        if not equals and rest and not _FLAG.match(rest[0]):
            equals, typed = "=", rest.pop(0)
        elif not equals and name.startswith("no") and name not in named:
            name, value = name[2:], False
        if name in options:
            files = " (files as one list)" if name == "config_file" else ""
            raise RequestError(f"--{name} is given twice, only the last would count: give it once{files}")
        options[name] = (typed, DefaultParseValue(typed) if equals else value)
    free = [name for name in named if name not in options]
    if len(positional) > len(free):
        raise RequestError(f"found the argument {DefaultParseValue(positional[-1])!r}, wanted --name value")
    return options | {name: (one, DefaultParseValue(one)) for name, one in zip(free, positional, strict=False)}


def _asked() -> _Asked | None:
    """What MONAI's command line asks for; None where the process is another."""
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if not is_monai_command() or verb not in ("run", "run_workflow"):
        return None
    # Not at the top: MONAI takes seconds to import, which no other command should pay; here it is loaded already.
    bundle = import_module("monai.bundle")
    named = [name for name, p in inspect.signature(getattr(bundle, verb)).parameters.items() if p.kind != p.VAR_KEYWORD]
    words = typed_options(sys.argv[2:], named)
    typed: dict[str, str | None] = {name: one for name, (one, _) in words.items()}
    options = {name: value for name, (_, value) in words.items()}
    if isinstance(options.get("args_file"), str):
        defaults = bundle.ConfigParser.load_config_file(options["args_file"])
        options = {name.replace("::", "#"): value for name, value in defaults.items()} | options
    if not options.get("config_file"):
        return None
    return _Asked(bundle, named, options, typed, bundle.ConfigParser.load_config_files(options["config_file"]))


def _find(name: str, config: Mapping[str, Any], known: Iterable[str]) -> Any:
    """The config's value at a path; None for an argument that the config leaves at its default."""
    node: Any = config
    parts = name.split("#")
    for depth, part in enumerate(parts if parts[0] != "_meta_" else []):
        last = depth == len(parts) - 1
        names = [*_children(node), *(_arguments(node) if last and depth else [])]
        if part not in names and "**" not in names:
            parent = "--" + "".join(f"{step}#" for step in parts[:depth])
            names += [] if depth else known
            raise RequestError(f"unknown option --{name}{did_you_mean(part, names, parent)}")
        node = node[int(part)] if isinstance(node, list) else node.get(part)
    return node


def _children(node: Any) -> list[str]:
    if isinstance(node, list):
        return [str(index) for index in range(len(node))]
    return list(node) if isinstance(node, Mapping) else []


def _arguments(node: Any) -> list[str]:
    """What a component's `_target_` takes; `**` stands for anything, also where that cannot be told."""
    if not isinstance(node, Mapping) or "_target_" not in node:
        return []
    bundle = import_module("monai.bundle")
    try:
        parameters = inspect.signature(pydoc.locate(_target(bundle, node))).parameters  # type: ignore[arg-type]
    except (TypeError, ValueError, AttributeError, pydoc.ErrorDuringImport):
        return ["**"]
    anything = ["**"] if any(p.kind == p.VAR_KEYWORD for p in parameters.values()) else []
    return [*parameters, *_COMPONENT_WORDS, *anything]


def _target(bundle: Any, node: Mapping[str, Any]) -> str:
    """The class of a component as MONAI finds it."""
    return str(bundle.ConfigComponent(config=node, id="", locator=bundle.ComponentLocator()).resolve_module_name())


def _is_runnable(value: Any) -> bool:
    expressions = value if isinstance(value, list) else [value]
    return bool(expressions) and all(isinstance(e, str) and e.startswith(("$", "@")) for e in expressions)


def _check_option(name: str, value: Any, default: Any, asked: _Asked) -> None:
    """Refuse a value that cannot stand where the config's does; one that a setting replaces has the setting's range."""
    typed = asked.typed.get(name)
    parent = asked.bundle.ConfigParser(asked.config).get(name.rpartition("#")[0]) if "#" in name else None
    if isinstance(parent, Mapping) and "_target_" in parent:
        blame(_target(asked.bundle, parent), f"--{name} {typed if typed is not None else value}")
    setting = default[1:] if isinstance(default, str) and default.startswith("@") else name
    if name.endswith(_PATHS) and setting not in asked.ranges:
        check_value(name, value, "path", asked.config, typed)
    elif "#" in name and setting in asked.ranges:
        check_value(name, value, asked.ranges[setting], asked.config, typed)
    if value is None:
        raise RequestError(f"--{name}: found None, which MONAI drops: leave it out, or give null in a config")
    if setting not in asked.ranges:
        _check_kind(name, value, default)


def _check_kind(name: str, value: Any, default: Any) -> None:
    """Refuse a scalar of another kind than the config's; lists, dicts and expressions are let through."""
    if isinstance(value, (list, tuple, dict)) or (isinstance(value, str) and value.startswith(("$", "@", "%"))):
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(default, bool):
        fits, wanted = isinstance(value, bool), "True or False"
    elif isinstance(default, int) and name.endswith(_WHOLE_NUMBERS):
        fits, wanted = number and isinstance(value, int), "a whole number"
    else:
        fits, wanted = number or not isinstance(default, (int, float)), "a number"
    if not fits:
        raise RequestError(f"--{name}: found {value!r}, wanted {wanted}")
