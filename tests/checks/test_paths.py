import pytest

from custom import checks
from custom.checks import RequestError


def test_output_dir(tmp_path):
    made = checks.output_dir(tmp_path / "a" / "b")
    assert made.is_dir()
    assert list(made.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match=r"file/below: found Not a directory, wanted a directory that can"):
        checks.output_dir(tmp_path / "file" / "below")
