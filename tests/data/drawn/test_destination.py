from pathlib import Path

import pytest

from custom.checks import RequestError
from custom.data.drawn.destination import draw_into, draw_once


def write(folder):
    (folder / "a.txt").write_text("drawn")


def refuse(folder):
    raise AssertionError("draws")


def test_a_new_or_empty_directory_is_drawn_into(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new/deep"):
        draw_into(Path(name), 0, write)
        assert (tmp_path / name / "a.txt").read_text() == "drawn"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "new"]


def test_what_is_there_is_left_alone(tmp_path):
    (tmp_path / "full").mkdir()
    write(tmp_path / "full")
    for path in (tmp_path / "full", tmp_path / "full" / "a.txt"):
        with pytest.raises(RequestError, match=f"{path}: exists and is not empty, wanted a new directory"):
            draw_into(path, 0, refuse)
    with pytest.raises(RequestError, match="--seed: found -1, wanted at least 0"):
        draw_into(tmp_path / "new", -1, refuse)
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "a.txt"]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "moe-segmentation"


def finish(folder, *parts):
    """What a whole drawing leaves."""
    for part in parts:
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / "datalist.json").write_text("{}")


def test_a_set_is_drawn_once_and_kept(cache, capsys):
    folders = draw_once("set", "two volumes", ["ct", "mr"], lambda scratch: finish(scratch / "data", "ct", "mr"))
    assert folders == [str(cache / "set" / "ct"), str(cache / "set" / "mr")]
    assert capsys.readouterr().err == f"no data set given: using two volumes in {cache / 'set'}\n"
    assert draw_once("set", "two volumes", ["ct", "mr"], refuse) == folders
    assert [path.name for path in cache.iterdir()] == ["set"]


def test_the_first_of_two_processes_names_the_set(cache):
    def draw(scratch):
        finish(scratch / "data", "")
        (scratch / "data" / "mine").touch()
        finish(cache / "set", "")  # the other process is faster

    assert draw_once("set", "tiles", [""], draw) == [str(cache / "set")]
    assert [path.name for path in (cache / "set").iterdir()] == ["datalist.json"]
    assert [path.name for path in cache.iterdir()] == ["set"]


def test_what_is_in_the_way_is_said(cache):
    (cache / "set").mkdir(parents=True)
    write(cache / "set")
    with pytest.raises(RequestError, match=r"set: cannot be written \(Directory not empty\); give --dataset_dir"):
        draw_once("set", "tiles", [""], lambda scratch: finish(scratch / "data", ""))
    assert [path.name for path in cache.iterdir()] == ["set"]


def test_a_failure_leaves_nothing(cache):
    def fail(scratch):
        finish(scratch / "data", "")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_once("set", "tiles", [""], fail)
    assert list(cache.iterdir()) == []
