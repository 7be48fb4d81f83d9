import json

import numpy as np
import pytest
from PIL import Image

from custom.checks import RequestError
from custom.files import plain, read_json, replacing, replacing_directory, write_image, write_json, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "a.txt"
    write_text(file, "old")

    def fail():
        with replacing(file) as temporary:
            temporary.write_text("half of the n")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail()
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_folders_are_made_and_nothing_temporary_stays(tmp_path):
    write_image(tmp_path / "a" / "b.c.png", np.array([[0, 70], [300, 65535]], dtype=np.uint16))
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.c.png"]
    with Image.open(tmp_path / "a" / "b.c.png") as image:
        assert np.asarray(image).tolist() == [[0, 70], [300, 65535]]


def test_json_holds_only_what_json_can_hold(tmp_path):
    content = {"a": np.float32(0.5), 2: float("nan"), "c": (np.array([1, 2]), tmp_path), "d": None, "e": True}
    before = dict(content)
    write_json(tmp_path / "a.json", content)
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "a": 0.5, "2": None, "c": [[1, 2], str(tmp_path)], "d": None, "e": True
    }  # fmt: skip
    assert content == before
    assert plain(float("inf")) is None


@pytest.mark.parametrize("text", ["{", "[1]", ""])
def test_a_json_file_that_is_none_is_refused_by_name(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RequestError, match=r"run\.json: found"):
        read_json(tmp_path / "run.json")


@pytest.fixture
def earlier(tmp_path):
    """A directory that holds something."""
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / "datalist.json").write_text("{}")
    return tmp_path / "data"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_directory_takes_the_place_of_the_earlier_one(tmp_path, earlier):
    for output in (earlier, tmp_path / "new" / "deep"):
        with replacing_directory(output) as target:
            (target / "x").touch()
            assert target.parent == output.parent
            assert not (output / "x").exists()
        assert names(output) == ["x"]
        assert names(output.parent) == [output.name]


def write_and_fail(output, error):
    with replacing_directory(output) as target:
        (target / "x").touch()
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, RequestError, ZeroDivisionError])
def test_after_a_failure_all_is_as_before(tmp_path, earlier, error):
    with pytest.raises(error):
        write_and_fail(earlier, error)
    assert names(tmp_path) == ["data"]
    assert names(earlier) == ["datalist.json", "images"]


def test_where_the_last_step_fails_the_earlier_one_comes_back(tmp_path, earlier):
    with pytest.raises(RequestError, match="cannot be written"), replacing_directory(earlier) as target:
        target.rmdir()
    assert names(tmp_path) == ["data"]
    assert names(earlier) == ["datalist.json", "images"]


def test_what_the_system_refuses_is_one_line(tmp_path, earlier):
    message = r"x/y: cannot be written \(No such file or directory\)"
    with pytest.raises(RequestError, match=message), replacing_directory(earlier) as target:
        (target / "x" / "y").write_text("")
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="file: cannot be written"), replacing_directory(tmp_path / "file" / "new"):
        pass
    assert names(earlier) == ["datalist.json", "images"]
