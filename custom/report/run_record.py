"""What a run was: enough to tell two runs apart and to do one again."""

from __future__ import annotations

import logging
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events

from .. import __version__
from ..checks import RequestError
from ..files import plain, read_json, write_json
from ..networks.old_words import present_arguments, present_settings

RUN_FILE = "run.json"
# What may differ where a run goes on: where it runs, where things lie, how long it lasts, and what is for people only.
_FREE = {
    "config_file",
    "run_id",
    "bundle_root",
    "dataset_dir",
    "dataset_dirs",
    "output_dir",
    "device",
    "num_workers",
    "max_epochs",
    "val_interval",
    "validate#dataset#data",
    "ending#next_command",
    "_desc_",
    "+_desc_",
    "_range_",
    "+_range_",
}
# What a training leaves: where none of it is, no epoch was finished, and nothing can be lost.
_KEPT = ("checkpoint.pt", "last.pt", "best.pt")
_PACKAGES = ("torch", "monai", "pytorch-ignite", "numpy", "scipy", "scikit-image")


def run_record(
    config: Mapping[str, Any] | None = None, seed: int | None = None, identity: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Collect what a run was started with.

    Args:
        config: The merged config.
        seed: The seed.
        identity: What must stay the same where the run goes on, `data` and `network` for instance; the seed and the
            config's settings are added.

    Returns:
        `command`, `release`, `config`, `seed`, `identity`, `versions`, `commit` (None outside a checkout),
        `dirty` (whether the checkout differs from its commit), `machine`, `started` (UTC) and `ended` (None), all fit
        for JSON.
    """
    commit, dirty = _commit()
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    settings = {name: value for name, value in (config or {}).items() if name not in _FREE}
    record = {
        "command": " ".join(map(_quoted, sys.argv)),
        "release": __version__,
        "started": now(),
        "ended": None,
        "seed": seed,
        "identity": {**(identity or {}), "seed": seed, "settings": _whole_paths(settings)},
        "commit": commit,
        "dirty": dirty,
        "versions": versions(),
        "machine": {"system": platform.platform(), "cpus": os.cpu_count(), "gpus": gpus},
        "config": config or {},
    }
    return plain(record)


class Beginning:
    """Handler that writes `run.json` once a training begins: a command that is refused before was no run.

    Args:
        output_dir: Where the run's results go.
        record: As `run_record` gives it.
        rank: Of this process; the first writes.
    """

    def __init__(self, output_dir: str | os.PathLike[str], record: Mapping[str, Any], rank: int = 0) -> None:
        self.output_dir, self.record, self.rank = output_dir, record, rank

    def attach(self, engine: Engine) -> None:
        """Register with the trainer, after what it resumes from."""
        engine.add_event_handler(Events.STARTED, lambda: begin(self.output_dir, self.record, self.rank))


def begin(output_dir: str | os.PathLike[str], record: Mapping[str, Any], rank: int = 0) -> None:
    """Begin a run in a directory, or go on there: `run.json` keeps the first record, and notes each further start.

    Where no epoch was finished the run begins anew.

    Args:
        output_dir: Where the run's results go.
        record: As `run_record` gives it; left as it is.
        rank: Of this process; the first writes, all check.

    Raises:
        RequestError: If the directory's `run.json` is of another run, or cannot be read.
    """
    check_same_run(output_dir, record)
    path = Path(output_dir) / RUN_FILE
    if rank:
        return
    if path.exists() and _has_weights(path.parent):
        restart = {name: record[name] for name in ("started", "command", "commit")}
        first = read_json(path)
        record = {**first, "restarts": [*first.get("restarts", []), restart]}
    elif path.exists():
        logging.getLogger(__name__).info("%s: no epoch was finished here: the run begins anew", path)
    write_json(path, dict(record))


def end(output_dir: str | os.PathLike[str], rank: int = 0) -> None:
    """Note the present time in `run.json` as the end.

    Args:
        output_dir: Where the run's results go.
        rank: Of this process; the first writes.
    """
    if rank == 0:
        path = Path(output_dir) / RUN_FILE
        write_json(path, {**read_json(path), "ended": now()})


def check_same_run(output_dir: str | os.PathLike[str], record: Mapping[str, Any]) -> None:
    """Refuse to go on in a directory that holds another run.

    Of a run that another release began, only the settings that mean the same to both are compared: configs change.

    Args:
        output_dir: Where results shall go; a directory without `run.json` or without weights suits any run.
        record: As `run_record` gives it; its `identity` is compared.

    Raises:
        RequestError: If the directory's `run.json` names another identity, or cannot be read.
    """
    path = Path(output_dir) / RUN_FILE
    if not path.exists():
        return
    first = read_json(path)
    if not _has_weights(path.parent):
        return
    found, asked = dict(first.get("identity", {})), dict(plain(record["identity"]))
    if first.get("release") != record["release"] and isinstance(found.get("network"), Mapping):
        found["network"] = present_arguments(found["network"])
        before, now_asked = present_settings(found.get("settings", {})), asked["settings"]
        compared = _comparable(before, now_asked)
        found["settings"], asked["settings"] = (
            {name: settings.get(name) for name in compared} for settings in (before, now_asked)
        )
        told = "begun by release %s: of its settings, %d are compared"
        logging.getLogger(__name__).info("%s: " + told, path, first.get("release", "0.1.0"), len(compared))
    found["settings"], asked["settings"] = _whole_paths(found.get("settings", {})), _whole_paths(asked["settings"])
    for name in asked:
        if found.get(name) != asked[name]:
            earlier, wanted = _difference(found.get(name), asked[name])
            raise RequestError(
                f"{path}: found a run with {name} {earlier}, wanted {name} {wanted}; give another --output_dir"
            )


def _has_weights(folder: Path) -> bool:
    return any((folder / name).exists() for name in _KEPT)


def _whole_paths(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with `--init_path x.pt` as the file that it is, however it was spelt and from wherever."""
    return {
        name: os.path.realpath(value) if name.endswith("_path") and _is_path(value) else value
        for name, value in settings.items()
    }


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and not value.startswith(("$", "@"))


def _comparable(found: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Names of the settings that mean the same to two releases.

    Plain values that both have, and what is given along a path, which is a user's or a variant's choice, by either. An
    expression may mean another thing from release to release.
    """
    if not asked:
        return []  # from Python, where nobody knows what was given
    along_paths = {name for name in {**found, **asked} if "#" in name}
    names = sorted(along_paths | (found.keys() & asked.keys()))
    return [
        name for name in names if all(_is_plain(values.get(name), name in along_paths) for values in (found, asked))
    ]


def _is_plain(value: Any, may_be_list: bool) -> bool:
    kinds = (bool, int, float, str, type(None), *((list, tuple) if may_be_list else ()))
    return isinstance(value, kinds) and not any(sign in str(value) for sign in ("$", "@", "_target_"))


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def now() -> str:
    """The present time as ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _quoted(word: str) -> str:
    """As a shell wants it; a list of configs, which holds single quotes, in double ones, so that it can be read."""
    return f'"{word}"' if "'" in word and not set('"$`\\!') & set(word) else shlex.quote(word)


def _commit() -> tuple[str | None, bool | None]:
    """Commit of the checkout that this very file belongs to, and whether it was changed since."""
    folder = Path(__file__).resolve().parent
    # Installed into an environment inside somebody's checkout, this file is not that checkout's: git must track it.
    if _git(folder, "ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None, None
    commit, changes = _git(folder, "rev-parse", "HEAD"), _git(folder, "status", "--porcelain", "--untracked-files=no")
    return (commit, bool(changes)) if commit is not None else (None, None)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _difference(found: Any, wanted: Any) -> tuple[str, str]:
    """Both values as text; of two mappings only the entries that differ."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        names = [name for name in {**found, **wanted} if found.get(name) != wanted.get(name)]
        found, wanted = ({name: side.get(name) for name in names} for side in (found, wanted))
    return str(found), str(wanted)
