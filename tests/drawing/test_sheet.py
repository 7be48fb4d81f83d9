import numpy as np
from PIL import Image

from custom.drawing.colours import organ_colour
from custom.drawing.sheet import CELL_PX, SheetCell, draw_sheet


def cell(colour, caption="x", size=(192, 96)):
    return SheetCell(Image.new("RGB", size, colour), caption)


def test_a_sheet_has_a_place_for_each_cell():
    colours = [(index + 1, 100, 200) for index in range(11)]
    cells = [cell(one, "é" * 90) for one in colours]
    sheet = np.asarray(draw_sheet({"training": cells[:9], "empty": [], "test": cells[9:]}))
    for colour in colours:
        assert (sheet == colour).all(axis=-1).sum() == 192 * 96


def test_a_row_is_as_high_as_its_highest_picture():
    flat, high = (draw_sheet({"a": [cell((1, 2, 3), size=(CELL_PX, height))]}) for height in (10, 110))
    assert high.height - flat.height == 100
    both = np.asarray(draw_sheet({"a": [cell((1, 2, 3), size=(50, 10)), cell((4, 5, 6), size=(50, 110))]}))
    # they stand on one line
    bottoms = [np.flatnonzero((both == colour).all(-1).any(1)).max() for colour in ((1, 2, 3), (4, 5, 6))]
    assert bottoms[0] == bottoms[1]


def test_the_legend_stands_above_the_sheet_in_as_many_lines_as_it_needs():
    cells = {"training": [cell((0, 0, 0))]}
    entries = [(organ_colour(1), "1 liver"), (organ_colour(2), "5 spleen")]
    plain, sheet = np.asarray(draw_sheet(cells)), np.asarray(draw_sheet(cells, entries))
    for shade, _ in entries:
        assert (sheet[:40] == shade).all(-1).sum() > 100
        assert not (plain == shade).all(-1).any()
    many = draw_sheet(cells, [(organ_colour(one), f"an organ with a long name {one}") for one in range(1, 31)])
    assert many.width == sheet.shape[1] == plain.shape[1]
    assert many.height > sheet.shape[0] + 3 * 18
