"""What a declaration and a data list say of a data set of volumes, checked value by value."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from ...checks import RequestError

INTENSITIES = {"window_hu": "two numbers in HU, low < high", "percentiles": "two numbers, 0 <= low < high <= 100"}
_MOST_LABELS = 254  # channel numbers are uint8
_SPACING_RANGE_MM = (0.01, 50.0)


def check_labels(value: object) -> dict[int, str]:
    """Label ids with their names, from JSON.

    Args:
        value: `{"1": "spleen", ...}`; gaps are allowed.

    Returns:
        The same with whole numbers, ascending.

    Raises:
        RequestError: It is no such table.
    """
    if not isinstance(value, dict) or not value:
        raise RequestError(f'labels: found {value!r}, wanted ids and names such as {{"1": "spleen"}}')
    for key, organ in value.items():
        if not re.fullmatch(r"[1-9]\d{0,8}", key):
            raise RequestError(f"labels: found the id {key!r}, wanted a positive whole number (0 is the background)")
        if not isinstance(organ, str) or not organ.strip():
            raise RequestError(f"labels: found {organ!r} for {key}, wanted a name")
    names = list(value.values())
    if twice := [name for name in names if names.count(name) > 1]:
        raise RequestError(f"labels: found {twice[0]!r} twice, wanted each name once")
    if len(value) > _MOST_LABELS:
        raise RequestError(f"labels: found {len(value)}, wanted at most {_MOST_LABELS}")
    return dict(sorted((int(key), organ) for key, organ in value.items()))


def check_spacing(value: object) -> tuple[float, float]:
    """In-plane spacing, from JSON.

    Raises:
        RequestError: It is no pair of lengths in mm.
    """
    low, high = _SPACING_RANGE_MM
    if not is_pair(value) or not all(low <= one <= high for one in value):  # type: ignore[attr-defined]
        raise RequestError(f"spacing: found {value!r}, wanted two lengths in mm between {low} and {high}")
    return float(value[0]), float(value[1])  # type: ignore[index]


def check_one_piece(value: object, labels: Mapping[int, str]) -> list[int]:
    """Ids of the organs that are one connected piece, from JSON; they are returned in ascending order.

    Args:
        value: Such as `[1, 2]`; may be empty.
        labels: What `check_labels` gave.

    Raises:
        RequestError: It is no list, or holds something else than an id of `labels`, or one twice.
    """
    if not isinstance(value, list):
        raise RequestError(f"one_piece: found {value!r}, wanted a list of ids of labels such as [1, 2]")
    for one in value:
        if type(one) is not int or one not in labels or value.count(one) > 1:  # True is an int too
            raise RequestError(f"one_piece: found {one!r} in {value}, wanted ids of labels {list(labels)}, each once")
    return sorted(value)


def check_intensity(name: str, value: object) -> dict[str, list[float]]:
    """How a modality's intensities become [0, 1], from JSON; other keys are left out.

    Args:
        name: Of the modality.
        value: Holds one of `window_hu` and `percentiles`.

    Raises:
        RequestError: It holds neither or both, or the numbers are not in order.
    """
    found = {} if not isinstance(value, dict) else {key: value[key] for key in INTENSITIES if key in value}
    if len(found) != 1:
        named = " and ".join(found) or "neither"
        raise RequestError(f"modality {name!r}: found {named}, wanted one of {' and '.join(INTENSITIES)}")
    [(key, pair)] = found.items()
    fits = is_pair(pair) and pair[0] < pair[1] and (key == "window_hu" or (pair[0] >= 0 and pair[1] <= 100))
    if not fits:
        raise RequestError(f"modality {name!r}: found {key} {pair!r}, wanted {INTENSITIES[key]}")
    return {key: [float(one) for one in pair]}


def is_pair(value: object) -> bool:
    """Whether a value from JSON is a list of two finite numbers."""

    def is_number(one: object) -> bool:
        return isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one)

    return isinstance(value, list) and len(value) == 2 and all(map(is_number, value))
