import numpy as np
import pytest

from custom.drawing.words import font, legend, shortened

RED, BLUE = (255, 0, 0), (0, 0, 255)


def test_the_font_has_the_letters_of_most_languages():
    # What a font lacks is drawn as one same box.
    drawn = {bytes(font(20).getmask(letter)) for letter in "aéñłżжλ…µ"}
    assert len(drawn) == 9
    assert font(20) is font(20)


@pytest.mark.parametrize("size_px", [9, 15])
@pytest.mark.parametrize("width_px", [30, 90])
def test_a_long_text_keeps_its_end(size_px, width_px):
    text = "patient_0001_slice_0002_of_a_long_name"
    shown = shortened(text, size_px, width_px)
    assert shown[0] == "…"
    assert text.endswith(shown[1:])
    assert font(size_px).getlength(shown) <= width_px
    # one letter more would not fit
    longer = "…" + text[-len(shown) :]
    assert font(size_px).getlength(longer) > width_px


def test_a_text_that_fits_is_left_alone():
    assert shortened("a_1", 11, 192) == "a_1"
    assert shortened("", 11, 1) == ""
    assert shortened("a", 11, 1) == "a"  # there is nothing shorter


def swatches(picture, colour):
    return np.argwhere((np.asarray(picture) == colour).all(-1))


def test_colours_stand_side_by_side_and_below_each_other_where_there_is_no_room():
    entries = [(RED, "liver"), (BLUE, "spleen")]
    wide, narrow = legend(entries, 400), legend(entries, 80)
    assert (wide.width, narrow.width) == (400, 80)
    assert narrow.height == 2 * wide.height
    (top, left), (other_top, other_left) = (swatches(wide, one).min(0) for one in (RED, BLUE))
    assert top == other_top
    assert left < other_left
    (top, left), (other_top, other_left) = (swatches(narrow, one).min(0) for one in (RED, BLUE))
    assert left == other_left
    assert other_top - top == wide.height


def test_no_entry_is_an_empty_line():
    empty = np.asarray(legend([], 60))
    assert empty.shape == np.asarray(legend([(RED, "x")], 60)).shape
    assert (empty == 255).all()
