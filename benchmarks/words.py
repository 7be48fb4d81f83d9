"""Several names in one option of a benchmark's command line."""

from __future__ import annotations


def words(text: object) -> list[str]:
    """Split `a,b`; Fire has made a tuple of it already, and an int of `0`."""
    values = text if isinstance(text, tuple | list) else str(text).split(",")
    return [str(value) for value in values]
