"""What of a user's outlines and mask values is a gland: the option `--classes`."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...checks import RequestError, did_you_mean

UNCLASSIFIED = "Unclassified"  # what QuPath calls an object without a class


@dataclass(frozen=True)
class Classes:
    """The classes that are glands.

    Args:
        names: As the user typed them; none where nothing was said.
    """

    names: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[int, ...]:
        """Those that are numbers, for mask images."""
        return tuple(int(name) for name in self.names if name.isascii() and name.isdigit())

    def hold(self, name: str) -> bool:
        """Whether objects of a class are glands; a class holds those derived from it, `Gland` also `Gland: Benign`.

        Args:
            name: Of the class.
        """
        return any(_plain(name) == one or _plain(name).startswith(f"{one}:") for one in map(_plain, self.names))

    def check(self, files: Iterable[Mapping[str, int]], source: object) -> list[str]:
        """Hold what was said against what there is in a whole data set.

        Args:
            files: Of each the classes of its outlines, those that were left out too, with their numbers.
            source: Where they are from, for the message.

        Returns:
            Remarks.

        Raises:
            RequestError: Several classes and nothing was said, or a class was named that is nowhere.
        """
        found = Counter[str]()
        for one in files:
            found.update(one)
        listed = ", ".join(f"{number} {name}" for name, number in sorted(found.items(), key=lambda one: -one[1]))
        if not self.names and len(found) > 1:
            first = max(found, key=lambda name: found[name])
            wanted = f'wanted --classes with those that are glands, such as --classes "{first}"'
            raise RequestError(f"{source}: found outlines of several classes ({listed}), {wanted}")
        for name in self.names:
            if not any(Classes((name,)).hold(one) for one in found):
                there = f"found {listed}" if found else "found no outlines with classes and no masks"
                near = did_you_mean(name, found)
                raise RequestError(f"--classes: no outline and no mask has the class {name!r}; {there}{near}")
        alone = next(iter(found), UNCLASSIFIED)
        if self.names or alone == UNCLASSIFIED or "gland" in alone.casefold():
            return []
        return [f"all outlines are of the class {alone} and were taken for glands"]


NO_CLASSES = Classes()


def parse_classes(text: str | None, data_set: str) -> Classes:
    """The option as the user typed it.

    Args:
        text: Names with commas between them; None where it was left out.
        data_set: For which it stands.

    Raises:
        RequestError: It names nothing, or the data set knows what its masks mean.
    """
    if text is None:
        return NO_CLASSES
    if data_set != "folder":
        raise RequestError(f"--classes: found it with {data_set}, wanted it with folder alone")
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or names == ("True",):  # True: the option stood without a value
        raise RequestError(f'--classes: found {text!r}, wanted names with commas between them, as "Gland,Benign gland"')
    return Classes(names)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().strip()
