import json

import pytest

from custom.checks import RequestError
from custom.data.output_directory import check_output, replaced


@pytest.fixture
def earlier(tmp_path):
    """What an earlier prepare wrote."""
    (tmp_path / "data" / "images").mkdir(parents=True)
    text = json.dumps({"name": "mine", "command": "x", "training": []})
    (tmp_path / "data" / "datalist.json").write_text(text)
    return tmp_path / "data"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_an_empty_and_an_earlier_directory_may_be_written(tmp_path, earlier):
    source = tmp_path / "source"
    (tmp_path / "empty").mkdir()
    assert check_output(tmp_path / "new", source) == ""
    assert check_output(tmp_path / "empty", source) == ""
    assert check_output(earlier, source) == "mine"


def test_what_is_the_users_is_not_replaced(tmp_path, earlier):
    source = tmp_path / "source"
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="file: is a file, wanted a new directory"):
        check_output(tmp_path / "file", source)
    (earlier / "thesis.docx").touch()
    with pytest.raises(RequestError, match=r"data: holds thesis\.docx, which prepare did not write"):
        check_output(earlier, source)
    (earlier / "datalist.json").write_text('{"name": "mine", "training": []}')  # without a command: written by hand
    with pytest.raises(RequestError, match="not empty and not written by prepare"):
        check_output(earlier, source)
    (earlier / "datalist.json").unlink()
    with pytest.raises(RequestError, match="not empty and not written by prepare"):
        check_output(earlier, source)


@pytest.mark.parametrize(("output", "source"), [("a", "a"), ("a/b", "a"), ("a", "a/b")])
def test_output_and_source_lie_apart(tmp_path, output, source):
    with pytest.raises(RequestError, match="inside each other"):
        check_output(tmp_path / output, tmp_path / source)


def test_a_whole_directory_takes_the_place_of_the_earlier_one(tmp_path, earlier):
    for output in (earlier, tmp_path / "new" / "deep"):
        with replaced(output) as target:
            (target / "x").touch()
            assert target.parent == output.parent
            assert not (output / "x").exists()
        assert names(output) == ["x"]
        assert names(output.parent) == [output.name]


def write_and_fail(output, error):
    with replaced(output) as target:
        (target / "x").touch()
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, RequestError, ZeroDivisionError])
def test_after_a_failure_all_is_as_before(tmp_path, earlier, error):
    with pytest.raises(error):
        write_and_fail(earlier, error)
    assert names(tmp_path) == ["data"]
    assert names(earlier) == ["datalist.json", "images"]


def test_where_the_last_step_fails_the_earlier_one_comes_back(tmp_path, earlier):
    with pytest.raises(RequestError, match="cannot be written"), replaced(earlier) as target:
        target.rmdir()
    assert names(tmp_path) == ["data"]
    assert names(earlier) == ["datalist.json", "images"]


def test_what_the_system_refuses_is_one_line(tmp_path, earlier):
    message = r"x/y: cannot be written \(No such file or directory\)"
    with pytest.raises(RequestError, match=message), replaced(earlier) as target:
        (target / "x" / "y").write_text("")
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="file: cannot be written"), replaced(tmp_path / "file" / "new"):
        pass
    assert names(earlier) == ["datalist.json", "images"]
