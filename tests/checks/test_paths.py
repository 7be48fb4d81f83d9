import pytest

from custom import checks
from custom.checks import RequestError


def test_output_dir(tmp_path):
    assert checks.output_dir(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list(tmp_path.iterdir()) == []  # what is refused later leaves nothing behind
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match=r"file/below: found Not a directory, wanted a directory that can"):
        checks.output_dir(tmp_path / "file" / "below")


@pytest.mark.parametrize("name", ["dangling", "x" * 300])
def test_an_output_directory_that_cannot_be_made(tmp_path, name):
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    with pytest.raises(RequestError, match=r"wanted a directory that can be written to"):
        checks.output_dir(tmp_path / name)
