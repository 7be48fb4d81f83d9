import pytest

from custom.report.findings import best_median_worst


@pytest.mark.parametrize(
    ("values", "places"), [([0.5, 0.9, 0.1, 0.7], (1, 3, 2)), ([0.3], (0, 0, 0)), ([float("nan"), 0.2, 0.4], (0, 2, 1))]
)
def test_best_median_and_worst(values, places):
    assert tuple(best_median_worst(values).values()) == places
    assert list(best_median_worst(values)) == ["best", "median", "worst"]
