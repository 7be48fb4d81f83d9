"""The size of a pixel that an image file states, and whether it is the one that was asked for."""

from __future__ import annotations

import html
import re
from typing import Any

from PIL import Image

from ..checks import RequestError

# µm a pixel: from the finest oil immersion to what shows no gland. Screens and printers, whose 72 to 1200 dpi programs
# write where nobody knows, lie above, and say nothing.
RANGE = (0.05, 20.0)
# 0.2525 is called 0.25; 0.46 is not 0.5.
_SAME = 0.05
_INCH_UM = 25400.0
_IMAGE_DESCRIPTION, _X_RESOLUTION, _Y_RESOLUTION = 270, 282, 283
_UM = {"": 1.0, "µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4,
       "m": 1e6, "pm": 1e-6, "å": 1e-4, "inch": _INCH_UM, "in": _INCH_UM}  # fmt: skip
_OME = re.compile(r"<Pixels\b[^>]*>")
_APERIO = re.compile(r"\bMPP\s*=\s*([\d.]+)")


def check_mpp(mpp: Any, what: str = "--mpp") -> None:
    """Refuse a size of a pixel that no light microscope's image has.

    Args:
        mpp: In µm.
        what: Where it stands, for the message.

    Raises:
        RequestError: It is no number, or out of `RANGE`.
    """
    number = isinstance(mpp, int | float) and not isinstance(mpp, bool)
    if not number or not RANGE[0] <= mpp <= RANGE[1]:
        found = f"found {mpp!r}, wanted µm a pixel between {RANGE[0]} and {RANGE[1]}"
        raise RequestError(f"{what}: {found}, such as 0.5 at 20x or 0.25 at 40x")


def same(stated: float, asked: float) -> bool:
    """Whether two sizes of a pixel are one: within 5 %.

    Args:
        stated: What the file says, in µm.
        asked: What the user says, in µm.
    """
    return abs(stated / asked - 1) <= _SAME


def check_same(file: object, stated: float | None, asked: float | None) -> None:
    """Refuse a file that contradicts the user.

    Args:
        file: Its name.
        stated: What it says, in µm; None where it says nothing.
        asked: What the user says, in µm; None where nobody knows.

    Raises:
        RequestError: They differ.
    """
    if stated is not None and asked is not None and not same(stated, asked):
        raise RequestError(
            f"{file}: the file says {stated:.4g} µm a pixel, but {asked:g} was asked for; give --mpp {stated:.4g} for "
            "images like it, or save it without a resolution if the file is wrong"
        )


def stated_mpp(image: Image.Image) -> float | None:
    """What a file says, from OME-XML, ImageJ's or Aperio's description, or its tags; in µm.

    Args:
        image: As Pillow opens it.

    Returns:
        None where it says nothing, or something that no microscope has, as 72 dpi.

    Raises:
        ValueError: The pixels are not square.
    """
    sides = _described(image) or _tagged(image)
    if sides is None or not all(RANGE[0] <= side <= RANGE[1] for side in sides):
        return None
    x, y = sides
    if not same(x, y):
        raise ValueError(f"its pixels are {x:.4g} x {y:.4g} µm, wanted square ones; resample it")
    return x


def _described(image: Image.Image) -> tuple[float, float] | None:
    text = _description(image)
    if pixels := _OME.search(text):
        words = dict(re.findall(r"(\w+)\s*=\s*[\"']([^\"']*)[\"']", html.unescape(pixels[0])))
        sides = [_length(words.get(f"PhysicalSize{axis}"), words.get(f"PhysicalSize{axis}Unit", "")) for axis in "XY"]
        return (sides[0], sides[1] or sides[0]) if sides[0] else None
    if text.startswith("ImageJ="):
        unit = re.search(r"^unit=(.*)$", text, re.MULTILINE)
        # The tags count pixels a unit that the text alone names.
        per_unit = [_number(getattr(image, "tag_v2", {}).get(tag)) for tag in (_X_RESOLUTION, _Y_RESOLUTION)]
        if unit and all(per_unit):
            x, y = (_length(1 / one, unit[1].replace("\\u00B5", "µ")) for one in per_unit)
            return (x, y) if x and y else None
        return None
    if found := _APERIO.search(text):
        side = _length(found[1], "")
        return (side, side) if side else None
    return None


def _description(image: Image.Image) -> str:
    tags = getattr(image, "tag_v2", None)
    found = tags.get(_IMAGE_DESCRIPTION, "") if tags is not None else image.info.get("ImageDescription", "")
    try:  # Pillow reads this text as Latin-1, where OME has UTF-8
        return found.encode("latin-1").decode() if isinstance(found, str) else ""
    except ValueError:
        return found


def _tagged(image: Image.Image) -> tuple[float, float] | None:
    """Pillow gives dots an inch, whichever unit the file has; other units say only whether pixels are square."""
    x, y = (_number(one) for one in image.info.get("dpi") or (0, 0))
    return (_INCH_UM / x, _INCH_UM / y) if x > 0 and y > 0 else None


def _number(value: Any) -> float:
    """A number of a tag; 0 where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0


def _length(text: Any, unit: str) -> float | None:
    """A length in µm; None where it is none, or its unit (a pixel, say) is no length."""
    try:
        value = float(text) * _UM[unit.strip().lower()]
    except (TypeError, ValueError, KeyError):
        return None
    return value if 0 < value < float("inf") else None
