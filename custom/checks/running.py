"""The config that is being run: what a `$` expression cannot see, although MONAI runs it from there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from .errors import RequestError

_LOADED_WITH: dict[str, Any] = {"workflow_type": "inference", "key_in_ckpt": "model"}


def running_parser() -> Any | None:
    """MONAI's parser of the config that the caller is an expression of, also where Python and no command runs it.

    MONAI hands an expression no way to the config around it, but MONAI's own frames hold it.

    Returns:
        A `monai.bundle.ConfigParser`; None outside any config.
    """
    return next(_selves("ConfigParser"), None)


def config_dir() -> Path | None:
    """The directory of the config that is being run, the first of several; None where it cannot be known."""
    workflow = next(_selves("ConfigWorkflow"), None)
    return None if workflow is None else Path(workflow.config_root_path).absolute()


def check_load() -> None:
    """Refuse `monai.bundle.load` where it would give an untrained network without a word.

    Raises:
        RequestError: It reads another config than the shipped weights are for, or not their part of the file.
    """
    scripts = sys.modules.get("monai.bundle.scripts")
    load = getattr(getattr(scripts, "load", None), "__code__", None)
    asked = next((frame.f_locals for frame in _frames() if frame.f_code is load), _LOADED_WITH)
    found = [f"{name}={asked.get(name)!r}" for name, wanted in _LOADED_WITH.items() if asked.get(name) != wanted]
    if found:
        wanted = ", ".join(f"{name}={value!r}" for name, value in _LOADED_WITH.items())
        raise RequestError(f"monai.bundle.load: found {', '.join(found)}, wanted {wanted} to get trained weights")


def _selves(kind: str) -> Iterator[Any]:
    """The objects of a class of MONAI's bundle package whose methods called us, the nearest first."""
    # Not imported: MONAI takes seconds, and what it has not loaded did not call us.
    wanted: Any = getattr(sys.modules.get("monai.bundle"), kind, None)
    for frame in _frames() if wanted is not None else ():
        owner = frame.f_locals.get("self")
        if isinstance(owner, wanted):
            yield owner


def _frames() -> Iterator[FrameType]:
    frame = sys._getframe().f_back
    while frame is not None:
        yield frame
        frame = frame.f_back
