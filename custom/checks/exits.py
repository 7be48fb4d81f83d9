"""How a command of MONAI's ends: its exit status, and one line instead of a traceback."""

from __future__ import annotations

import logging
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

from .errors import RequestError

_given: dict[str, list[str]] = {}
_COMPONENT = re.compile(r"^Failed to instantiate component '([\w.]+)'")
_LOST_TYPE = re.compile(r"^[\w.]*\bRequestError: (.+)$", re.MULTILINE)


def is_monai_command() -> bool:
    """Whether this process is `python -m monai.bundle`, and no label server or test that runs a config itself."""
    return Path(sys.argv[0]).parts[-3:] == ("monai", "bundle", "__main__.py")


def blame(component: str, option: str) -> None:
    """Note what a component of the config was given on the command line: where it cannot be made, that is the reason.

    Args:
        component: Its class, as MONAI names it.
        option: The option and its value as they were typed.
    """
    _given.setdefault(component, []).append(option)


def one_line_errors() -> None:
    """Give the command its exit statuses: 2 after one line for a `RequestError`, 130 on Ctrl-C, 143 on SIGTERM.

    So ends also a component that refuses what the command line gave it. Any other exception keeps its traceback. Does
    nothing unless the process is `python -m monai.bundle`: a label server or a test that runs a config in its own
    process keeps its own handling.
    """
    if not is_monai_command():
        return
    sys.excepthook = _excepthook
    for place in (*logging.getLogger().handlers, logging.getLogger("monai.handlers.StatsHandler")):
        place.addFilter(_is_not_said_at_the_end)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def partial(failed: Sequence[str]) -> None:
    """End the command with exit status 1 where some of a batch failed and the rest is done; part of `finalize`.

    Args:
        failed: What failed, as it was named in the log.

    Raises:
        SystemExit: Something failed.
    """
    if failed and is_monai_command():
        raise SystemExit(1)


def _is_not_said_at_the_end(record: logging.LogRecord) -> bool:
    """Keep engines from logging, with a traceback, what the last line says anyway."""
    return record.levelno < logging.ERROR or _request(sys.exc_info()[1]) is None


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    request = _request(error)
    if request is not None:
        print(f"error: {request}", file=sys.stderr)
        raise SystemExit(2)
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        raise SystemExit(130)
    sys.__excepthook__(kind, error, trace)


def _request(error: BaseException | None) -> str | None:
    """What is wrong with the request, from an exception and what caused it, however deep; None if nothing is."""
    refused = None
    links = list(_links(error))
    for link in links:
        # A loader's worker process hands over its traceback as text, in an exception of perhaps another type.
        lost = _LOST_TYPE.findall(str(link))
        if lost or isinstance(link, RequestError):
            return lost[-1] if lost else _line(link)
        component = _COMPONENT.match(str(link))
        if component and component[1] in _given and link.__cause__ is not None:
            reason = f"{type(link.__cause__).__name__}: {_line(link.__cause__)}"
            refused = f"{' '.join(_given[component[1]])}: {component[1]} does not take it ({reason})"
    return refused


def _links(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    links = [error]
    while links:
        link = links.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        links += [link.__context__, link.__cause__]


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
