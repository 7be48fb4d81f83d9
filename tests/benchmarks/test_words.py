import pytest
from words import words


@pytest.mark.parametrize(
    ("given", "found"),
    [("a,b", ["a", "b"]), ("a", ["a"]), (0, ["0"]), ((0, 1), ["0", "1"]), (["a", 2], ["a", "2"]), ("", [""])],
)
def test_what_fire_made_of_a_list_is_words_again(given, found):
    assert words(given) == found
