import pytest

from custom import checks
from custom.checks import RequestError, raise_problems


def test_names_that_are_near():
    names = ["mpp", "patients", "split", "**"]
    assert checks.did_you_mean("mp", names, "--") == "; did you mean --mpp?"
    assert checks.did_you_mean("patient", names) == "; did you mean patients?"
    assert checks.did_you_mean("zzz", names) == ""


def test_no_problem_is_fine():
    raise_problems([], 0)


@pytest.mark.parametrize(
    ("problems", "line"),
    [
        (["a: gone"], "a: gone"),
        (["a: gone", "b: torn"], "2 of 9 tiles are wrong: a: gone; b: torn"),
        (["a", "b", "c"], "3 of 9 tiles are wrong: a; b; c"),
        (["a", "b", "c", "d", "e"], "5 of 9 tiles are wrong: a; b; c; and 2 more"),
    ],
)
def test_of_several_problems_three_are_named(problems, line):
    with pytest.raises(RequestError) as caught:
        raise_problems(problems, 9, "tiles")
    assert str(caught.value) == line
