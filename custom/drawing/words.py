"""Words in pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from .colours import INK, WHITE, Colour

_LINE_PX, _SWATCH_PX, _GAP_PX = 20, 14, 18


@cache
def font(size_px: int) -> ImageFont.FreeTypeFont:
    """Matplotlib's DejaVu Sans, which has the letters of most languages; Pillow's own draws boxes for them.

    Args:
        size_px: Height of a line, about.
    """
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size_px)


def shortened(text: str, size_px: int, width_px: int) -> str:
    """A text cut from the left until it fits, since names of one set differ at their end.

    Args:
        text: The text.
        size_px: As in `font`.
        width_px: What it shall fit into.
    """
    shown = text
    while font(size_px).getlength(shown) > width_px and len(text) > 1:
        text = text[1:]
        shown = "…" + text
    return shown


def legend(entries: Sequence[tuple[Colour, str]], width_px: int) -> Image.Image:
    """Colours with what they stand for, in as many lines as they take.

    Args:
        entries: Each colour with its words.
        width_px: Width of the picture.

    Returns:
        The picture; one empty line where there is no entry.
    """
    size = 12
    places, left, top = [], 0, 0
    for colour, text in entries:
        needed = _SWATCH_PX + 6 + round(font(size).getlength(text)) + _GAP_PX
        if left and left + needed > width_px:
            left, top = 0, top + _LINE_PX
        places.append((left, top, colour, text))
        left += needed
    canvas = Image.new("RGB", (width_px, top + _LINE_PX), WHITE)
    pen = ImageDraw.Draw(canvas)
    for left, top, colour, text in places:
        pen.rectangle((left, top + 3, left + _SWATCH_PX, top + 3 + _SWATCH_PX), fill=colour, outline=INK)
        pen.text((left + _SWATCH_PX + 6, top + 3), text, fill=INK, font=font(size))
    return canvas
