"""How far a long loop is: a bar on a terminal, a line every 20 seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterator
from typing import TypeVar

from tqdm import tqdm

# Seconds between two lines where there is no terminal for a bar.
LINE_EVERY = 20.0
_T = TypeVar("_T")


class Steps:
    """Shows on stderr how many steps are done; nothing of what takes over in two seconds.

    Args:
        total: How many there are.
        text: What is done.
        thing: What one of them is called, in the singular.
    """

    def __init__(self, total: int, text: str, thing: str) -> None:
        self._total, self._text, self._thing = total, text, thing
        self._done, self._began = 0, time.monotonic()
        self._said = self._began
        self._bar = tqdm(
            total=total, desc=text, unit=thing, delay=2, leave=False, disable=not sys.stderr.isatty()
        )  # fmt: skip

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        self._bar.update()
        now = time.monotonic()
        if self._bar.disable and now - self._said >= LINE_EVERY and self._done < self._total:
            self._said = now
            left = (now - self._began) / self._done * (self._total - self._done) / 60
            text = f"{self._text}: {self._done} of {self._total} {self._thing}s, {left:.1f} min left"
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()


def progress(things: Collection[_T], text: str, thing: str) -> Iterator[_T]:
    """Go through things, and show how far it is.

    Args:
        things: What is gone through.
        text: What is done.
        thing: What one of them is called, in the singular.

    Yields:
        Each of them.
    """
    steps = Steps(len(things), text, thing)
    try:
        for one in things:
            yield one
            steps.step()
    finally:
        steps.close()
