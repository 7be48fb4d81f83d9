import pytest

from custom.report.score import Score

SHARE = Score("dice", "Dice", "", True, "Overlap.")
DISTANCE = Score("hd95_mm", "HD95", "mm", False, "Distance.")


@pytest.mark.parametrize(
    ("score", "value", "words"),
    [
        (SHARE, 0.12345, "0.123"),
        (DISTANCE, 12.345, "12.3 mm"),
        (SHARE, 0.0, "0.000"),
        (SHARE, None, "n/a"),
        (DISTANCE, float("nan"), "n/a"),
        (DISTANCE, float("inf"), "n/a"),
    ],
)
def test_a_value_has_its_unit_and_as_many_places_as_people_read(score, value, words):
    assert score.text(value) == words
