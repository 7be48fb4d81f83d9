"""One picture of many images with their masks' outlines, so that a wrong pairing is seen before training.

Images without masks stand among them, so that one of another kind is seen too.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.segmentation import find_boundaries

_CELL_PX, _TEXT_PX, _COLUMNS = 192, 16, 8
_OUTLINE, _PAPER, _INK = (0, 255, 0), (255, 255, 255), (0, 0, 0)


@dataclass(frozen=True)
class ContactSheetCell:
    """A small image with its outlines drawn, if it has any.

    Args:
        picture: at most 192 x 192.
        caption: what stands under it.
    """

    picture: Image.Image
    caption: str


def draw_cell(rgb: np.ndarray, instances: np.ndarray | None, caption: str) -> ContactSheetCell:
    """Shrink an image and draw the outline of each instance on it.

    Args:
        rgb: (h, w, 3) uint8.
        instances: (h, w) ids, 0 for background; None draws no outline.
        caption: the text under it.

    Returns:
        The cell.
    """
    height, width = rgb.shape[:2]
    scale = _CELL_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = np.array(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))
    if instances is not None:
        small = np.asarray(Image.fromarray(instances.astype(np.int32)).resize(size, Image.Resampling.NEAREST))
        picture[find_boundaries(small, mode="inner")] = _OUTLINE
    return ContactSheetCell(Image.fromarray(picture), caption)


def draw_sheet(sections: dict[str, list[ContactSheetCell]]) -> Image.Image:
    """Lay the cells out in rows, each section under its name.

    Args:
        sections: cells by the title of their section; sections without cells are left out.

    Returns:
        The sheet.
    """
    rows: list[tuple[str, list[ContactSheetCell]]] = []
    for title, cells in sections.items():
        for start in range(0, len(cells), _COLUMNS):
            rows.append((title if start == 0 else "", cells[start : start + _COLUMNS]))
    step = _CELL_PX + 4
    # A row is as high as its highest picture: most sets hold landscape images.
    picture_heights = [max(cell.picture.height for cell in cells) for _, cells in rows]
    heights = [
        (_TEXT_PX + 12 if title else 0) + height + _TEXT_PX + 8
        for (title, _), height in zip(rows, picture_heights, strict=True)
    ]
    sheet = Image.new("RGB", (_COLUMNS * step + 4, sum(heights) + 4), _PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12)
    title_font = ImageFont.load_default(size=16)
    top = 4
    for (title, cells), height, picture_height in zip(rows, heights, picture_heights, strict=True):
        bottom = top + height - _TEXT_PX - 8
        if title:
            pen.text((4, bottom - picture_height - _TEXT_PX - 8), title, fill=_INK, font=title_font)
        for column, cell in enumerate(cells):
            left = 4 + column * step
            sheet.paste(cell.picture, (left, bottom - cell.picture.height))
            pen.text((left, bottom + 2), _shortened(cell.caption, font), fill=_INK, font=font)
        top += height
    return sheet


def _shortened(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """Cut from the left, since names of one set differ at their end."""
    shown = text
    while font.getlength(shown) > _CELL_PX and len(text) > 1:
        text = text[1:]
        shown = "…" + text
    return shown
