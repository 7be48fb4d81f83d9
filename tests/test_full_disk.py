"""A disk that is full and a folder that is not the user's: one line, and what was there before is whole."""

import errno
import os
import subprocess
import sys

import pytest
import torch

from custom.checks import RequestError
from custom.files import replacing, write_text
from custom.networks import weights

WRITE = """
import resource, torch
from custom.checks import RequestError
from custom.networks import weights
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    weights.write({path!r}, {{"a": torch.zeros(100_000)}})
except RequestError as error:
    print(error)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("number", "reason"), [(errno.ENOSPC, "No space left"), (errno.EROFS, "Read-only")])
def test_a_text_that_cannot_be_written(tmp_path, monkeypatch, number, reason):
    file = tmp_path / "a.txt"
    write_text(file, "old")

    def fail(path, *_, **__):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(type(file), "write_text", fail)
    with pytest.raises(RequestError, match=rf"a\.txt: cannot be written \({reason}") as caught:
        write_text(file, "new")
    assert "\n" not in str(caught.value)
    assert file.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(RequestError, match=r"a/b\.txt: cannot be written \((Not a directory|File exists)"):
        write_text(tmp_path / "a" / "b.txt", "new")


def test_tensors_past_the_end_of_what_may_be_written(tmp_path, repository):
    path = tmp_path / "last.pt"
    weights.write(path, {"a": torch.ones(2)})
    before = path.read_bytes()
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(repository)}
    script = [sys.executable, "-c", WRITE.format(path=str(path))]
    done = subprocess.run(script, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{path}: cannot be written, is the disk full? (")
    assert len(done.stdout.splitlines()) == 1
    assert path.read_bytes() == before
    assert names(tmp_path) == ["last.pt"]


def test_what_a_killed_writer_left_goes_and_what_a_living_one_writes_stays(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    living = os.getppid()
    for name in (f".{dead.pid}.a.pt", f".{living}.a.pt", f".{dead.pid}.b.pt", ".hidden.a.pt", "a.pt.old"):
        (tmp_path / name).touch()
    with replacing(tmp_path / "a.pt") as temporary:
        temporary.touch()
    assert names(tmp_path) == sorted([f".{living}.a.pt", f".{dead.pid}.b.pt", ".hidden.a.pt", "a.pt", "a.pt.old"])
