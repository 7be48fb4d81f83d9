"""What kills do to a training: it is killed at random moments and started again, many times, and nothing may be lost.

    python benchmarks/kills.py --to kills.json --kills 100

A small training on synthetic glands, begun by MONAI's command, with epochs so short that much of the time goes into
writing. Once it is left alone; then SIGKILL meets it while it starts, at any moment, or right after a file was
written, when the next is. Where it ends all the same, it is compared with the one that was left alone, and begun anew
until there were enough
kills. What need not be killed while it starts is forked from this process, which has imported all of it: that
spares ten seconds a kill. Exit status 1 where an epoch was lost or an end differs.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import fire
import torch
from controls import row
from starts import Forked, Started, fresh

from custom.commands import prepare, synthesise
from custom.files import write_json
from custom.report.history import read_history

EPOCHS = 12
OPTIONS = {"max_epochs": EPOCHS, "steps_per_epoch": 2, "crop_px": 64, "batch_size": 2, "unlabelled_batch_size": 2}
OPTIONS |= {"pretrained": False, "views": 1}
TIMES = ("images_per_second", "data_wait")  # of a row of history.csv, what no two runs share
MOMENTS = {"starting": 0.1, "any": 0.45, "writing": 0.45}
POLL_SECONDS = 0.001
MOST_SECONDS = 600  # that a start may last
PAUSE_SECONDS = 0.15  # at most, between a file that is whole and the kill, which may meet the next one


class Kill(NamedTuple):
    """One start of the training: which kill was meant, where it fell, and the epochs.

    Attributes:
        meant: A key of `MOMENTS`.
        fell: What was going on; "ended" where the training was faster.
        began: The epoch that it went on after.
        finished: The last epoch whose checkpoint was in its place.
        seconds: From its start to its end.
    """

    meant: str
    fell: str
    began: int
    finished: int
    seconds: float


class Timing(NamedTuple):
    """How long a training takes: until it writes its first file, and from there to its end, in seconds."""

    start: float
    rest: float


def main(to: str, kills: int = 100, seed: int = 0, folder: str | None = None) -> None:
    """Kill a training, go on, and print what became of it.

    Args:
        to: The JSON file with every kill; written anew after each.
        kills: How many.
        seed: Of the moments.
        folder: Where the trainings go, a new or empty directory; default: one that vanishes.
    """
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(folder or temporary).resolve()
        data = _data(place)
        timing = _whole(data, place / "whole")
        done: list[Kill] = []
        ends: list[dict[str, Any]] = []
        for number, round_ in enumerate(_rounds(data, place / "killed", kills, timing, random.Random(seed))):
            done += round_
            if round_[-1].fell == "ended":
                ends.append({"start": number, **_apart(_compare, place / "whole", place / "killed")})
            write_json(to, _report(done, ends))
        report = _report(done, ends)
    _print(report)
    sys.exit(0 if report["lost"] == 0 and all(end["equal"] for end in ends) else 1)


def _data(place: Path) -> Path:
    source, data = place / "source", place / "data"
    synthesise(output=str(source), number="12")
    prepare("folder", source=str(source), output=str(data), mpp="0.62", validation="0.3")
    return data


def _start(data: Path, output: Path, fork: bool = False) -> Started:
    """The documented command; what it says goes to a file beside the run."""
    options = {"dataset_dir": data, "output_dir": output, **OPTIONS}
    given = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    words = ["monai.bundle", "run", "training", "--config_file", "configs/train.json", *given]
    return (Forked if fork else fresh)(words, output.with_suffix(".log"))


def _whole(data: Path, output: Path) -> Timing:
    """The training that is left alone."""
    began = time.monotonic()
    process = _start(data, output)
    while process.poll() is None and not (output / "run.json").exists():
        time.sleep(POLL_SECONDS)
    started = time.monotonic()
    while process.poll() is None:
        time.sleep(POLL_SECONDS)
    if process.returncode:
        sys.exit(f"the training failed: {output.with_suffix('.log').read_text()}")
    return Timing(started - began, time.monotonic() - started)


def _rounds(data: Path, output: Path, kills: int, timing: Timing, rng: random.Random) -> Iterator[list[Kill]]:
    """Start and kill until there were enough kills; then to the end. A list after each start that has something new."""
    left, finished = kills, 0
    while True:
        meant = rng.choices(list(MOMENTS), list(MOMENTS.values()))[0] if left > 0 else "never"
        kill = _once(data, output, meant, finished, timing, rng)
        finished = kill.finished
        yield [kill]
        if kill.fell != "ended":
            left -= 1
        elif left <= 0:
            return
        else:
            shutil.rmtree(output)
            finished = 0


def _once(data: Path, output: Path, meant: str, finished: int, timing: Timing, rng: random.Random) -> Kill:
    """Start the training and kill it at the moment that is meant."""
    record, checkpoint = _stamp(output / "run.json"), _stamp(output / "checkpoint.pt")
    # What is written next begins as soon as one of these has its name.
    signs, watched = rng.randint(1, 3), output / rng.choice(["history.csv", "best.pt", "last.pt"])
    sign = _stamp(watched)
    began, process = time.monotonic(), _start(data, output, fork=meant != "starting")
    delay = rng.uniform(0, timing.start if meant == "starting" else 0.25 * timing.rest)
    pause = rng.uniform(0, PAUSE_SECONDS)
    begun: float | None = None
    renamed = 0
    while process.poll() is None and time.monotonic() - began < MOST_SECONDS:
        now, at = time.monotonic(), _stamp(output / "checkpoint.pt")
        renamed, checkpoint = renamed + (at != checkpoint), at
        if begun is None and _stamp(output / "run.json") != record:
            begun = now
        signs, sign = signs - (_stamp(watched) != sign), _stamp(watched)
        since = began if meant == "starting" else begun
        if meant in ("starting", "any") and since is not None and now - since > delay:
            process.kill()
        elif meant == "writing" and signs <= 0:
            time.sleep(pause)
            process.kill()
        time.sleep(POLL_SECONDS)
    renamed += _stamp(output / "checkpoint.pt") != checkpoint
    fell = "ended" if process.returncode == 0 else _where(output, began, begun)
    if process.returncode is None:
        process.kill()
    if process.returncode not in (0, -signal.SIGKILL):
        sys.exit(f"the training failed: {output.with_suffix('.log').read_text()}")
    went_on = re.search(r"going on after epoch (\d+)", output.with_suffix(".log").read_text())
    # Killed before it said where it goes on, it has changed nothing either.
    start = int(went_on[1]) if went_on else (0 if renamed else finished)
    return Kill(meant, fell, start, start + renamed, round(time.monotonic() - began, 2))


def _stamp(path: Path) -> tuple[int, int] | None:
    """Another one whenever another file takes the name."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _partial(output: Path) -> set[str]:
    """Names of files that are being written, or were when a kill came."""
    try:
        return {entry.name for entry in os.scandir(output) if re.match(r"\.|tmp", entry.name)}
    except OSError:
        return set()


def _where(output: Path, began: float, begun: float | None) -> str:
    """What a kill fell into: a file that was being written is still there."""
    if begun is None:
        return "start"
    wall = time.time() - (time.monotonic() - began)
    names = sorted(name for name in _partial(output) if (output / name).stat().st_mtime > wall)
    writing = [re.sub(r"^(\.\d+\.|tmp.*)", "", name) or "checkpoint.pt" for name in names]
    return f"writing {writing[-1]}" if writing else "between"


def _apart(work: Callable[..., dict[str, Any]], *arguments: Path) -> dict[str, Any]:
    """Work in a process of its own: whoever forks must not have computed with torch, whose threads a fork lacks."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _compare(whole: Path, killed: Path) -> dict[str, Any]:
    """What differs between two runs that ended: weights and states by the bit, and the rows of the history."""
    differ = [
        name
        for name in ("last.pt", "best.pt", "checkpoint.pt")
        if not _same(*(torch.load(run / name, weights_only=True) for run in (whole, killed)))
    ]
    rows = [read_history(run / "history.csv") for run in (whole, killed)]
    rows = [[{key: value for key, value in one.items() if key not in TIMES} for one in table] for table in rows]
    differ += ["history.csv"] if rows[0] != rows[1] else []
    names = [{path.name for path in run.iterdir()} for run in (whole, killed)]
    missing, left_over = sorted(names[0] - names[1]), sorted(names[1] - names[0])
    return {"equal": not differ and not missing, "differ": differ, "missing": missing, "left_over": left_over}


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _report(done: list[Kill], ends: list[dict[str, Any]]) -> dict[str, Any]:
    """All kills, and the epochs lost: where a start went on earlier than the last epoch that was finished."""
    pairs = list(itertools.pairwise(done))
    lost = sum(max(0, one.finished - other.began) for one, other in pairs if one.fell != "ended")
    kills = [kill for kill in done if kill.fell != "ended"]
    return {"kills": len(kills), "lost": lost, "ends": ends, "starts": [kill._asdict() for kill in done]}


def _print(report: dict[str, Any]) -> None:
    row("a kill fell into", "kills", head=True)
    fell = Counter(start["fell"] for start in report["starts"] if start["fell"] != "ended")
    for name, number in fell.most_common():
        row(name, number)
    ends = report["ends"]
    equal = sum(end["equal"] for end in ends)
    print(f"\n{report['kills']} kills; epochs lost beyond the last finished one: {report['lost']}")
    print(f"{len(ends)} trainings ended, {equal} of them equal to the bit to the one that was left alone")
    for end in ends:
        if not end["equal"] or end["left_over"]:
            print(f"start {end['start']}: differ {end['differ']}, missing {end['missing']}, left {end['left_over']}")


if __name__ == "__main__":
    fire.Fire(main)
