"""Small CT- and MR-like volumes with exact labels: two data sets for the demo and the tests.

Arrays: `(x, y, z)`, towards the patient's right, front and head until a file is written in another orientation.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage
from tqdm import tqdm

from ...checks import RequestError
from ..volumes import declaration
from ..volumes.prepare import prepare
from .anatomy import abdomen, grid, heart, wobble
from .destination import draw_into, draw_once

# Part of the cached sets' name: raise it when the same seed draws other volumes.
DRAWING = 1
FILE = "data_set.json"
SHAPE_PX = 64
# Of each data set; the fractions leave every section something.
_HELD_OUT = 0.25
_LEAST = 4
# Files state all kinds of axes, and so do these.
_AXES = ("RAS", "LPS", "LAS", "RAS", "PLI", "RPS")

DATA_SETS: dict[str, dict[str, Any]] = {
    "synthetic_ct": {
        # Ids with gaps, as users have them.
        "labels": {"1": "spleen", "2": "right kidney", "3": "left kidney", "6": "liver", "8": "aorta"},
        "spacing": [5.0, 5.0],
        "modalities": {"ct": {"window_hu": [-125, 275]}},
    },
    "synthetic_mr": {
        "labels": {"1": "right ventricle", "2": "myocardium", "3": "left ventricle"},
        "spacing": [2.5, 2.5],
        "modalities": {"mr": {"percentiles": [0.5, 99.5]}},
        "patient": "^mr_(\\d+)_",
    },
}


def draw_ct(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float]]:
    """Draw an abdomen as a CT shows it.

    Args:
        rng: Source of randomness: the same state draws the same volume.

    Returns:
        HU int16 and ids uint8 `(x, y, z)`, and the spacing in mm.
    """
    spacing = (float(rng.uniform(4.7, 5.3)),) * 2 + (float(rng.choice([10.0, 12.0, 14.0])),)
    shape = (SHAPE_PX, SHAPE_PX - 8, round(196 / spacing[2]))
    hu, label = abdomen(rng, grid(shape, spacing), _ids("synthetic_ct"))
    seen = ndimage.gaussian_filter(hu, (0.45, 0.45, 0.2))  # a voxel shows what is beside it too
    noise = ndimage.gaussian_filter(rng.normal(size=shape), (0.5, 0.5, 0))
    seen += noise / noise.std() * rng.uniform(10, 22)
    return np.clip(np.round(seen), -1024, 3071).astype(np.int16), label, spacing


def draw_mr(
    rng: np.random.Generator, squeezed: float, scale: float
) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float]]:
    """Draw a heart as a cine MR shows it.

    Args:
        rng: Source of randomness: the same state draws the same patient.
        squeezed: 0 for the end of filling, 1 for the end of the beat.
        scale: Value of blood, arbitrary as a scanner's.

    Returns:
        Values float32 from 0 and ids uint8 `(x, y, z)`, and the spacing in mm.
    """
    spacing = (float(rng.uniform(2.3, 2.7)),) * 2 + (float(rng.choice([8.0, 9.0, 10.0])),)
    shape = (SHAPE_PX, SHAPE_PX - 6, int(rng.integers(12, 15)))
    points = grid(shape, spacing)
    bright, label = heart(rng, points, _ids("synthetic_mr"), squeezed)
    seen = ndimage.gaussian_filter(bright, (0.5, 0.5, 0.15))
    # The coil is nearer to one side: a slow change of a factor of about two.
    field = (wobble(rng, points, 60, 260) - points).mean(0) / 100
    seen = seen * np.exp(np.clip(field - field.mean(), -0.6, 0.6))
    sd = rng.uniform(0.02, 0.04)
    noise = rng.spawn(2)[squeezed > 0].normal(0, sd, (2, *shape))  # each moment has its own
    seen = np.hypot(seen + noise[0], noise[1])  # the size of a complex number
    return (seen * scale).astype(np.float32), label, spacing


def synthesise(output: Path, number: int = 12, seed: int = 0) -> None:
    """Draw two data sets, each in a folder that `python -m custom prepare folder` reads with its `data_set.json`.

    `synthetic_ct` has one volume a patient, `synthetic_mr` two, the end of filling and the end of the beat. The first
    volumes of a larger set are those of a smaller one.

    Args:
        output: The directory to write; it must be new or empty.
        number: How many volumes of each, at least 4.
        seed: Another seed draws other volumes, at least 0.

    Raises:
        RequestError: A number is out of range, or the directory is not empty or cannot be written.
    """
    if number < _LEAST:
        raise RequestError(f"--number: found {number}, wanted at least {_LEAST}")
    draw_into(output, seed, lambda folder: _write(folder, number, seed))


def default_datasets() -> list[str]:
    """The sets to work on where the user names none, from the user's cache.

    Returns:
        The directories that hold `datalist.json`.

    Raises:
        RequestError: The cache cannot be written.
    """
    number, seed = 12, 0
    name = f"synthetic_volumes_v{DRAWING}_number{number}_seed{seed}"
    what = f"{number} synthetic volumes of {' and '.join(DATA_SETS)}"
    return draw_once(name, what, list(DATA_SETS), lambda scratch: _prepare(scratch, number, seed))


def _prepare(scratch: Path, number: int, seed: int) -> None:
    synthesise(scratch / "source", number, seed)
    command = f"python -m custom synthesise --recipe organ --output DATA --number {number} --seed {seed}"
    for name in DATA_SETS:
        source = scratch / "source" / name
        facts = declaration.read(source / FILE)
        prepare(facts, source, scratch / "data" / name, _HELD_OUT, _HELD_OUT, seed, command=command)


def _ids(name: str) -> dict[str, int]:
    return {organ: int(one) for one, organ in DATA_SETS[name]["labels"].items()}


def _write(folder: Path, number: int, seed: int) -> None:
    draw: dict[str, Callable[[int], tuple[str, tuple]]] = {
        "synthetic_ct": lambda index: (f"ct_{index + 1:02d}", draw_ct(np.random.default_rng([seed, 0, index]))),
        "synthetic_mr": lambda index: _mr_of(index, seed),
    }
    for place, name in enumerate(DATA_SETS):
        (folder / name / "images").mkdir(parents=True)
        (folder / name / "labels").mkdir()
        text = json.dumps({"name": name, **DATA_SETS[name]}, indent=1)
        (folder / name / FILE).write_text(text + "\n", encoding="utf-8")
        for index in tqdm(range(number), desc=f"drawing {name}", unit="volume", delay=2, disable=None, leave=False):
            case, (values, label, spacing) = draw[name](index)
            axes = _AXES[(index + place) % len(_AXES)]
            _save(folder / name / "images" / f"{case}.nii.gz", values, spacing, axes)
            _save(folder / name / "labels" / f"{case}.nii.gz", label, spacing, axes)


def _mr_of(index: int, seed: int) -> tuple[str, tuple]:
    patient, phase = divmod(index, 2)
    scale = float(np.exp(np.random.default_rng([seed, 2, index]).uniform(np.log(80), np.log(3000))))
    return f"mr_{patient + 1:02d}_{phase + 1}", draw_mr(np.random.default_rng([seed, 1, patient]), phase, scale)


def _save(path: Path, values: np.ndarray, spacing: tuple[float, float, float], axes: str) -> None:
    """Write a volume with the axes in another order and direction; each voxel stays where it is in the patient."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-step * (n - 1) / 2 for step, n in zip(spacing, values.shape, strict=True)]
    turn = nib.orientations.ornt_transform(
        nib.orientations.io_orientation(affine), nib.orientations.axcodes2ornt(tuple(axes))
    )
    image = nib.Nifti1Image(values, affine).as_reoriented(turn)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
