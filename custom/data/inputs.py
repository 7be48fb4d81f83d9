"""What is asked of inference: which files there are, and which can be read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ..checks import RequestError, raise_problems
from .datalist import Item
from .progress import progress
from .source_file import check_name


def readable(paths: Sequence[str], thing: str, open_one: Callable[[str], list[Item]]) -> list[Item]:
    """The files that can be read, as items of a data set; the others are named in the log.

    Args:
        paths: The files.
        thing: What one is called, in the singular.
        open_one: Decodes a file, and gives its items.

    Returns:
        All items, in the order of the files.

    Raises:
        RequestError: No file can be read.
    """
    items, problems = [], []
    for path in progress(paths, f"checking {thing}s", thing):
        try:
            check_name(path)
            items += open_one(path)
        except RequestError as error:
            problems.append(str(error))
        except Exception as error:  # no file may end the others, whatever its decoder raises
            problems.append(f"{path}: cannot be read ({str(error).splitlines()[0] if str(error) else error!r})")
    if not items:
        raise_problems(problems, len(paths), f"{thing}s")
    for problem in problems:
        logging.getLogger(__name__).error("left out: %s", problem)
    return items
