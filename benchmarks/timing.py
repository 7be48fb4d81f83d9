"""How the benchmarks measure time: pieces of work take turns, so that a busy machine is busy for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch

_Case = TypeVar("_Case")


def take_turns(works: Mapping[_Case, Callable[[], object]], repeats: int) -> dict[_Case, list[float]]:
    """Time every piece of work once a round.

    Args:
        works: Case to what is timed.
        repeats: Timed rounds, after one that is not timed.

    Returns:
        Case to the seconds of each round.
    """
    seconds: dict[_Case, list[float]] = {case: [] for case in works}
    for turn in range(repeats + 1):
        for case, work in works.items():
            began = time.perf_counter()
            work()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:
                seconds[case].append(time.perf_counter() - began)
    return seconds


def machine() -> str:
    """What the work runs on, in words."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"
