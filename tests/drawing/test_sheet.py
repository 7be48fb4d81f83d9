import numpy as np

from custom.drawing.sheet import draw_cell, draw_sheet

GREEN = (0, 255, 0)


def test_a_cell_shows_the_outline_of_each_instance():
    ids = np.zeros((96, 192), np.int32)
    ids[10:50, 20:60] = 1
    ids[10:50, 60:100] = 2
    picture = np.asarray(draw_cell(np.full((96, 192, 3), 200, np.uint8), ids, "x").picture)
    assert picture.shape == (96, 192, 3)
    green = (picture == GREEN).all(axis=-1)
    # Two squares of 40, each with a rim of 4 * 39 pixels, inside the mask; they touch, and the rim shows between them.
    assert green.sum() == 2 * 4 * 39
    assert not green[ids == 0].any()
    assert green[30, 59]
    assert green[30, 60]


def test_a_cell_without_outlines_is_the_image():
    rgb = np.random.default_rng(0).integers(0, 256, (96, 192, 3), np.uint8)
    assert np.array_equal(np.asarray(draw_cell(rgb, None, "x").picture), rgb)


def test_a_cell_keeps_the_shape_of_its_image():
    for shape in ((522, 775), (775, 522), (1, 3000)):
        cell = draw_cell(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.int32), "x")
        assert max(cell.picture.size) == 192
        assert abs(cell.picture.width - 192 * shape[1] / max(shape)) <= 1


def test_a_sheet_has_a_place_for_each_cell():
    colours = [(index + 1, 100, 200) for index in range(11)]
    cells = [
        draw_cell(np.full((50, 100, 3), one, np.uint8), np.zeros((50, 100), np.int32), "é" * 90) for one in colours
    ]
    sheet = np.asarray(draw_sheet({"training": cells[:9], "empty": [], "test": cells[9:]}))
    for colour in colours:
        assert (sheet == colour).all(axis=-1).sum() == 192 * 96
