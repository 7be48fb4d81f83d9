import base64
import io
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from custom.report.page_parts import figure_block, number, photograph, table, value_cells


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(0.12345, "", "0.123"), (12.345, "mm", "12.3"), (float("nan"), "", "n/a"), (None, "mm", "n/a")],
)
def test_numbers(value, unit, words):
    assert number(value, unit) == words


def test_an_interval_stands_beside_its_mean_where_there_is_one():
    assert value_cells({"mean": 0.5, "low": 0.4, "high": 0.6}) == "<td><b>0.500</b></td><td>0.400 to 0.600</td>"
    assert value_cells({"mean": 3.0}, "mm") == "<td><b>3.0</b></td><td></td>"
    assert value_cells({"mean": 3.0, "low": None, "high": None}, "mm") == "<td><b>3.0</b></td><td></td>"


def test_headings_are_escaped_and_units_stand_below():
    page = table([("a<b", ""), ("HD95", "mm")], ["<tr><td>1</td></tr>"])
    assert '<th class="left">a&lt;b<small>&nbsp;</small></th><th>HD95<small>mm</small></th>' in page
    assert "<tbody><tr><td>1</td></tr></tbody>" in page
    assert "<small>" not in table([("a", ""), ("b", "")], [])


def decoded(block):
    (data,) = re.findall(r"base64,([^\"]+)\"", block)
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_large_pictures_are_made_smaller():
    shown = decoded(photograph(np.zeros((600, 2200, 3), np.uint8), "<dark>"))
    assert (shown.format, shown.size) == ("JPEG", (1100, 300))
    assert decoded(photograph(np.zeros((60, 22, 3), np.uint8), "")).size == (22, 60)
    assert 'alt="&lt;dark&gt;"' in photograph(np.zeros((6, 6, 3), np.uint8), "<dark>")


def test_a_figure_has_a_caption_if_it_is_given_one():
    block = figure_block(Figure(figsize=(1, 1)), "what & why", "a < b")
    assert 'alt="what &amp; why"' in block
    assert "<figcaption>a &lt; b</figcaption>" in block
    assert decoded(block).size == (130, 130)
    assert "figcaption" not in figure_block(Figure(figsize=(1, 1)), "")
