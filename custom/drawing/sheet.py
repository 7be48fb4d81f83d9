"""One picture of many: a contact sheet, so that a wrong pairing is seen before training.

Images without masks stand among them, so that one of another kind is seen too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from .colours import INK, WHITE, Colour
from .words import font, legend, shortened

CELL_PX = 192
_TEXT_PX, _COLUMNS, _MARGIN_PX = 16, 8, 4
_CAPTION_PX, _TITLE_PX = 11, 15


@dataclass(frozen=True)
class SheetCell:
    """A small image with its outlines drawn, if it has any.

    Args:
        picture: At most `CELL_PX` wide and high.
        caption: What stands under it.
    """

    picture: Image.Image
    caption: str


def draw_sheet(sections: Mapping[str, Sequence[SheetCell]], colours: Sequence[tuple[Colour, str]] = ()) -> Image.Image:
    """Lay the cells out in rows, each section under its name.

    Args:
        sections: Cells by the title of their section; sections without cells are left out.
        colours: What the outlines' colours stand for, as `words.legend` takes it; none: no legend.

    Returns:
        The sheet.
    """
    rows: list[tuple[str, Sequence[SheetCell]]] = []
    for title, cells in sections.items():
        for start in range(0, len(cells), _COLUMNS):
            rows.append((title if start == 0 else "", cells[start : start + _COLUMNS]))
    width = _COLUMNS * (CELL_PX + _MARGIN_PX) + _MARGIN_PX
    parts = [legend(colours, width - 2 * _MARGIN_PX)] if colours else []
    parts += [_row(title, cells, width) for title, cells in rows]
    sheet = Image.new("RGB", (width, sum(part.height for part in parts) + 2 * _MARGIN_PX), WHITE)
    top = _MARGIN_PX
    for part in parts:
        sheet.paste(part, (width - part.width - _MARGIN_PX if part.width < width else 0, top))
        top += part.height
    return sheet


def _row(title: str, cells: Sequence[SheetCell], width: int) -> Image.Image:
    """One row, as high as its highest picture: most sets hold landscape images."""
    above = _TEXT_PX + 12 if title else 0
    bottom = above + max(cell.picture.height for cell in cells)
    row = Image.new("RGB", (width, bottom + _TEXT_PX + 8), WHITE)
    pen = ImageDraw.Draw(row)
    if title:
        pen.text((_MARGIN_PX, 4), title, fill=INK, font=font(_TITLE_PX))
    for column, cell in enumerate(cells):
        left = _MARGIN_PX + column * (CELL_PX + _MARGIN_PX)
        row.paste(cell.picture, (left, bottom - cell.picture.height))
        pen.text((left, bottom + 2), shortened(cell.caption, _CAPTION_PX, CELL_PX), fill=INK, font=font(_CAPTION_PX))
    return row
