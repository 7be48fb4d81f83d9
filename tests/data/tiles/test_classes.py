import pytest

from custom.checks import RequestError
from custom.data.tiles.classes import NO_CLASSES, Classes, parse_classes


def test_names_are_read_from_the_command_line():
    assert parse_classes(None, "folder") == NO_CLASSES
    assert parse_classes("Gland, Benign gland,2", "folder").names == ("Gland", "Benign gland", "2")
    assert parse_classes("Gland,2,11", "folder").values == (2, 11)
    for text in ("", ",", "Gland,", "True"):
        with pytest.raises(RequestError, match="--classes: found"):
            parse_classes(text, "folder")


def test_a_class_holds_those_derived_from_it():
    gland = Classes(("Gland",))
    assert [gland.hold(name) for name in ("Gland", "gland", "Gland: Benign", "Glands", "Tumor: Gland")] == [
        *[True] * 3,
        *[False] * 2,
    ]
    # One accent, written as one sign and as two.
    assert Classes(("Gl\u00e4nd",)).hold("Gla\u0308nd")


def test_several_classes_are_refused_with_their_counts():
    with pytest.raises(RequestError, match=r'src: .*\(9 Gland, 3 Stroma, 1 Unclassified\), .*--classes "Gland"'):
        NO_CLASSES.check([{"Stroma": 3, "Gland": 9, "Unclassified": 1}], "src")
    assert Classes(("gland",)).check([{"Stroma": 3, "Gland": 9}], "src") == []


def test_a_class_that_is_nowhere_is_refused():
    with pytest.raises(RequestError, match=r"'Glnd'; found 9 Gland, 3 Stroma; did you mean Gland\?"):
        Classes(("Stroma", "Glnd")).check([{"Stroma": 3, "Gland": 9}], "src")
    with pytest.raises(RequestError, match="found no outlines with classes"):
        Classes(("Gland",)).check([{}], "src")


def test_one_class_alone_is_said_unless_it_is_a_gland():
    assert NO_CLASSES.check([{"Tumor": 4}], "src") == ["all outlines are of the class Tumor and were taken for glands"]
    assert NO_CLASSES.check([{"Benign gland": 4}], "src") == []
    assert NO_CLASSES.check([{"Unclassified": 4}], "src") == []
    assert NO_CLASSES.check([{}], "src") == []
