from pathlib import Path

import pytest

from custom import place
from custom.checks import RequestError


def test_the_bundle_is_found_beside_the_package(repository, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert place.bundle_root() == str(repository / "bundle")


def test_a_shipped_bundle_is_the_folder_that_holds_the_package(tmp_path, monkeypatch):
    (tmp_path / "configs").mkdir()
    monkeypatch.setattr(place, "_PACKAGE", tmp_path / "scripts")
    assert place.bundle_root() == str(tmp_path)


def test_a_package_alone_says_what_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(place, "_PACKAGE", tmp_path / "custom")
    with pytest.raises(RequestError) as caught:
        place.bundle_root()
    assert f"looked for {tmp_path}/bundle/configs or {tmp_path}/configs" in str(caught.value)


@pytest.mark.parametrize(
    ("set_to", "base"),
    [("/x/cache", "/x/cache"), (None, "/home/a/.cache"), ("", "/home/a/.cache"), ("here", "/home/a/.cache")],
)
def test_the_cache_follows_the_xdg_rules(monkeypatch, set_to, base):
    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if set_to is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", set_to)
    assert place.cache_dir() == Path(base) / "moe-segmentation"
