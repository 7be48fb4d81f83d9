"""Trainings that cannot be as they were asked for: refused in one line, before anything is written."""

from __future__ import annotations

import os
from typing import Any

from ..checks import RequestError


def not_given(**options: Any) -> None:
    """Refuse options of the network where it is trained already.

    Args:
        options: Name to value; None where it was not given.

    Raises:
        RequestError: One of them has a value.
    """
    given = ", ".join(f"--{name} {value}" for name, value in options.items() if value is not None)
    if given:
        raise RequestError(f"found {given}, wanted it left out: the trained network stays as it is")


def not_used(phase: str, **options: Any) -> None:
    """Refuse options that a phase of the training has no use for.

    Args:
        phase: What it is called.
        options: Name to value; None where it was not given.

    Raises:
        RequestError: One of them has a value.
    """
    given = ", ".join(f"--{name} {value}" for name, value in options.items() if value is not None)
    if given:
        raise RequestError(f"found {given}, wanted it left out: {phase} does not use it")


def from_torchrun() -> None:
    """Check that this process is one of those that torchrun starts.

    Raises:
        RequestError: It is not.
    """
    if not {"RANK", "LOCAL_RANK"} <= os.environ.keys():
        raise RequestError("found one process, wanted: torchrun --nproc_per_node=2 -m monai.bundle run training ...")
