"""Which files the tiles' results go to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..checks import RequestError

KINDS = ("mask", "instances", "overlay", "probability")


def output_stems(
    inputs: Sequence[str | os.PathLike[str]], output_dir: str | os.PathLike[str], input_dir: str | os.PathLike[str]
) -> dict[str, Path]:
    """Name each input's results: its folder below `input_dir`, and its name without the last ending.

    Args:
        inputs: The pictures; `scans/a/slide.1.png` below `scans` becomes `OUT/a/slide.1`.
        output_dir: Where results go.
        input_dir: The folder that the inputs' own folders are counted from.

    Returns:
        Input to path of its results, to which `_<kind>.png` is added.

    Raises:
        RequestError: If two inputs share an output name, an output would replace an input, or an input lies elsewhere.
    """
    top, out = Path(input_dir).resolve(), Path(output_dir).resolve()
    sources = {Path(path).resolve(): os.fspath(path) for path in inputs}
    stems: dict[str, Path] = {}
    taken: dict[Path, str] = {}
    for source, given in sources.items():
        if not source.is_relative_to(top):
            raise RequestError(f"{given}: found outside {input_dir}, wanted all inputs below one folder")
        stem = out / source.relative_to(top).parent / source.stem
        if stem in taken:
            raise RequestError(f"{taken[stem]} and {given} would share the output {stem}_mask.png; rename one of them")
        replaced = [path for kind in KINDS if (path := stem.with_name(f"{stem.name}_{kind}.png")) in sources]
        if replaced:
            raise RequestError(f"the results of {given} would replace the input {sources[replaced[0]]}; "
                               "give another --output_dir")  # fmt: skip
        taken[stem] = given
        stems[given] = stem
    return stems
