import os
import subprocess
import sys
from pathlib import Path

import pytest

from custom.checks.command_line import overrides
from custom.data.drawn.volumes import synthesise
from custom.data.volumes import declaration
from custom.data.volumes.prepare import prepare

REPOSITORY = Path(__file__).resolve().parent.parent.parent
# Scripts, no package: each finds the others beside it.
sys.path.append(str(REPOSITORY / "benchmarks"))


@pytest.fixture
def script():
    """Runs a benchmark as a user does, from the checkout's root, and gives what it prints."""

    def run(name, *arguments):
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, f"benchmarks/{name}.py", *map(str, arguments)]
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def rows():
    """Splits each row of the tables in a text into its cells, lines under heads left out."""

    def split(text):
        lines = [line for line in text.splitlines() if line.startswith("| ")]
        return [[cell.strip() for cell in line.strip().removesuffix("|")[1:].split(" | ")] for line in lines]

    return split


@pytest.fixture(scope="session")
def volumes(tmp_path_factory):
    """`synthetic_ct` and `synthetic_mr`, six volumes each, prepared. Not to be written to."""
    place = tmp_path_factory.mktemp("volumes")
    synthesise(place / "source", number=6)
    for name in ("synthetic_ct", "synthetic_mr"):
        facts = declaration.read(place / "source" / name / "data_set.json")
        prepare(facts, place / "source" / name, place / name, validation=0.25, test=0.25)
    return [str(place / name) for name in ("synthetic_ct", "synthetic_mr")]


@pytest.fixture
def commands(monkeypatch):
    """Keeps MONAI's commands instead of running them: what follows `python -m monai.bundle`, and where it would run."""
    kept = []

    def run(command, cwd, check):
        assert check
        assert command[:3] == [sys.executable, "-m", "monai.bundle"]
        kept.append((command[3:], cwd))

    monkeypatch.setattr("controls.subprocess.run", run)
    return kept


@pytest.fixture
def understood(monkeypatch):
    """Lets a command through the recipe's own door, which knows configs, options and run ids."""

    def check(command):
        words, cwd = command
        with monkeypatch.context() as there:
            there.chdir(cwd)
            there.setattr("sys.argv", ["/somewhere/monai/bundle/__main__.py", *words])
            overrides()

    return check
