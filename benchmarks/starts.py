"""How a module is started as `python -m` does, from the bundle, as a process that can be killed: for `kills.py`."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

from custom.place import bundle_root


def fresh(words: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a module in an interpreter of its own.

    Args:
        words: The module and its arguments.
        log: What it says goes there.
    """
    paths = {"PYTHONPATH": str(Path(bundle_root()).parent)}
    command = [sys.executable, "-m", *words]
    with open(log, "wb") as said:
        return subprocess.Popen(command, cwd=bundle_root(), env=os.environ | paths, stdout=said, stderr=said)


class Forked:
    """A module that is run as `python -m` does, in a fork of this process."""

    def __init__(self, words: list[str], log: Path) -> None:
        self.returncode: int | None = None
        self._id = os.fork()
        if self._id == 0:
            try:
                said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
                for stream in (1, 2):
                    os.dup2(said, stream)
                os.chdir(bundle_root())
                _run(words)
            except BaseException as error:  # what the interpreter would do at its end
                ended = error if isinstance(error, SystemExit) else None
                if ended is None:
                    sys.excepthook(type(error), error, error.__traceback__)
                os._exit(ended.code if ended is not None and isinstance(ended.code, int) else 1)
            os._exit(0)

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        if self.returncode is None:
            found, status = os.waitpid(self._id, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if found else None
        return self.returncode

    def kill(self) -> None:
        """Send SIGKILL."""
        os.kill(self._id, signal.SIGKILL)


Started = subprocess.Popen[bytes] | Forked


def _run(words: list[str]) -> None:
    sys.argv = [sys.executable, *words[1:]]
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
