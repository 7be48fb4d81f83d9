import shlex

import pytest
from fire.parser import DefaultParseValue
from hypothesis import given
from hypothesis import strategies as st

from custom.checks.typed_paths import path_problem, paths_problem


def problem(typed):
    return path_problem(DefaultParseValue(typed), typed)


@pytest.mark.parametrize(
    "typed",
    ["tiles", "../a/b.c", "/a b/c", "a-b", "ä", "C:/x", "$(pwd)", "[a", "a'b", "'\"quoted\"'", '"2024"', '"a,b"'],
)
def test_what_is_read_as_it_was_typed(typed):
    assert problem(typed) is None


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("", "found nothing, wanted a path (is a shell variable empty?)"),
        ("  ", "found nothing, wanted a path (is a shell variable empty?)"),
        ('""', "found nothing, wanted a path (is a shell variable empty?)"),
        ("2024", "found '2024', wanted text: quote it twice, '\"2024\"'"),
        ("1_000", "found '1_000', which is read as 1000, wanted text: quote it twice, '\"1_000\"'"),
        ("1e3", "found '1e3', which is read as 1000.0, wanted text: quote it twice, '\"1e3\"'"),
        ("a,b", "found 'a,b', which is read as ('a', 'b'), wanted text: quote it twice, '\"a,b\"'"),
        ("(a)", "found '(a)', which is read as 'a', wanted text: quote it twice, '\"(a)\"'"),
        ("a ", "found 'a ', which is read as 'a', wanted text: quote it twice, '\"a \"'"),
        ("True", "found 'True', wanted text: quote it twice, '\"True\"'"),
        ("None", "found 'None', wanted text: quote it twice, '\"None\"'"),
        ("[a]", "found '[a]', which is read as ['a'], wanted text: quote it twice, '\"[a]\"'"),
        ("~/a", "found '~/a', wanted the whole path: your shell did not replace the ~"),
        ("@a", "found '@a', which MONAI takes for a reference, wanted a path: './@a'"),
        ("a#2", "found 'a#2', wanted a path without # and ::, which MONAI confuses: rename it or link to it"),
        ("/a/b#2", "found '/a/b#2', wanted a path without # and ::, which MONAI confuses: rename it or link to it"),
        ("a::b", "found 'a::b', wanted a path without # and ::, which MONAI confuses: rename it or link to it"),
    ],
)
def test_what_is_not(typed, line):
    assert problem(typed) == line


def test_letters_that_python_composes_are_told():
    assert "quote it twice" in problem("fu\u0308r")  # as macOS stores a name; Python's own names are composed
    assert problem('"fu\u0308r"') is None


@given(st.text(min_size=1))
def test_no_path_is_misread_and_the_hint_leads_to_it(typed):
    said = problem(typed)
    if said is None:
        read = DefaultParseValue(typed)
        assert read == typed or typed[0] in "'\""
    elif "quote it twice, " in said:
        (hint,) = shlex.split(said.partition("quote it twice, ")[2])
        assert DefaultParseValue(hint) == typed


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("a", "found 'a', wanted a list of paths"),
        ("[]", "found '[]', wanted a list of paths"),
        ("['a',2]", "found 2 in \"['a',2]\", wanted each path in quotes"),
        ("['a','']", "found nothing"),
        ("['a','b#2']", "found 'b#2', wanted a path without #"),
    ],
)
def test_lists_of_paths(typed, words):
    assert words in paths_problem(DefaultParseValue(typed), typed)
    assert paths_problem(["a", "b"], "['a','b']") is None
    assert paths_problem(["a", "b"], None) is None
