"""Which files results go to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..checks import RequestError


def output_stems(
    inputs: Sequence[str | os.PathLike[str]],
    output_dir: str | os.PathLike[str],
    input_dir: str | os.PathLike[str],
    endings: Sequence[str],
) -> dict[str, Path]:
    """Name each input's results: its folder below `input_dir`, and its name without the last ending (or `.nii.gz`).

    Args:
        inputs: The pictures or volumes; `scans/a/slide.1.png` below `scans` becomes `OUT/a/slide.1`.
        output_dir: Where results go.
        input_dir: The folder that the inputs' own folders are counted from.
        endings: What each input's results are called after that name.

    Returns:
        Input to path of its results, to which an ending is added.

    Raises:
        RequestError: If two inputs share an output name, an output would replace an input, or an input lies elsewhere.
    """
    top, out = Path(os.path.abspath(input_dir)), Path(output_dir).resolve()
    inputs_by_name = {Path(os.path.abspath(path)): os.fspath(path) for path in inputs}
    sources = {path.resolve(): given for path, given in inputs_by_name.items()}
    stems: dict[str, Path] = {}
    taken: dict[Path, str] = {}
    for source, given in inputs_by_name.items():
        if not source.is_relative_to(top):
            raise RequestError(f"{given}: found outside {input_dir}, wanted all inputs below one folder")
        name = source.name[: -len(".nii.gz")] if source.name.lower().endswith(".nii.gz") else source.stem
        stem = out / source.relative_to(top).parent / name
        for path in (stem.with_name(f"{name}{ending}") for ending in endings):
            if path in taken:
                raise RequestError(f"{taken[path]} and {given} would share the output {path}; rename one of them")
            if replaced := sources.get(path) or inputs_by_name.get(path):
                raise RequestError(f"the results of {given} would replace the input {replaced}; "
                                   "give another --output_dir")  # fmt: skip
            taken[path] = given
        stems[given] = stem
    return stems
