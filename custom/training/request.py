"""Trainings that cannot be as they were asked for: refused in one line, before anything is written."""

from __future__ import annotations

import os
from typing import Any

from ..checks import RequestError


def not_given(why: str, **options: Any) -> None:
    """Refuse options that would have no effect.

    Args:
        why: Why there is none.
        options: Name to value; None where it was not given.

    Raises:
        RequestError: One of them has a value.
    """
    given = ", ".join(f"--{name} {value}" for name, value in options.items() if value is not None)
    if given:
        raise RequestError(f"found {given}, wanted it left out: {why}")


def from_torchrun() -> None:
    """Check that this process is one of those that torchrun starts.

    Raises:
        RequestError: It is not.
    """
    if not {"RANK", "LOCAL_RANK"} <= os.environ.keys():
        raise RequestError("found one process, wanted: torchrun --nproc_per_node=2 -m monai.bundle run training ...")
