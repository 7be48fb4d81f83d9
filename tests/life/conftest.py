import pytest


@pytest.fixture
def born(repository, tmp_path, monkeypatch):
    """Makes a life, in a folder and with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    ends = {}
    return lambda life, source: life(source, repository / "bundle", ends)
