"""Tiles that look like H&E gland tissue, with exact instance masks: a data set for the demo and the tests.

Drawn, not learnt: a layout of glands, layers of stroma, epithelium and nuclei as amounts of two stains, then light.
Arrays: `(h, w)`; lengths are pixels of 0.62 µm.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from tqdm import tqdm

from ...checks import RequestError
from ..tiles.prepare import prepare
from .destination import draw_into, draw_once
from .epithelium import epithelium
from .stroma import stroma, tears
from .tissue import Patient, draw_patient, smooth_noise, stain

MPP = 0.62
HEIGHT_PX, WIDTH_PX = 288, 384
# Part of the cached set's name: raise it when the same seed draws other pictures.
DRAWING = 1
# Tiles of a patient stay together. Six patients in turn: a third labelled, half unlabelled, a sixth for the test.
TILES_PER_PATIENT = 2
SECTIONS = ("", "unlabelled", "test", "", "unlabelled", "unlabelled")
KINDS = ("goblet", "adenoma", "carcinoma", "crypt")
MARGIN_PX = 28
CROP = (slice(MARGIN_PX, -MARGIN_PX), slice(MARGIN_PX, -MARGIN_PX))
SMALLEST_PX = 150

# Per kind: radius from and to, aspect from and to, waviness of the outline, gap between neighbours (1 touches),
# thickness of the epithelium, density of fibres.
SHAPES = {
    "goblet": ((52, 76), (1.0, 1.5), 0.035, 1.16, 44, 0.1),
    "crypt": ((48, 68), (1.0, 1.4), 0.035, 1.2, 38, 0.0),
    "adenoma": ((52, 84), (1.2, 2.2), 0.07, 1.14, 27, 0.7),
    "carcinoma": ((66, 120), (1.0, 1.8), 0.2, 1.1, 26, 0.9),
}


def draw_tile(
    rng: np.random.Generator, height: int, width: int, patient: Patient | None = None, empty: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one tile.

    Args:
        rng: Source of randomness: the same state draws the same tile.
        height: Height in pixels.
        width: Width in pixels.
        patient: Whose stain and kind of glands to use; drawn where None.
        empty: Draw stroma only.

    Returns:
        RGB image uint8 `(h, w, 3)` and instance ids int32 `(h, w)`: 0 outside, 1..N, each id one connected piece.
    """
    if patient is None:
        patient = draw_patient(rng, KINDS[rng.integers(len(KINDS))])
    shape = (height + 2 * MARGIN_PX, width + 2 * MARGIN_PX)
    glands = np.zeros(shape, np.int32) if empty else lay_out(rng, shape, patient.kind)
    outside = ndimage.distance_transform_edt(glands == 0) if glands.any() else np.full(shape, 1e3)
    outside = outside.astype(np.float32)
    fibrous = float(np.clip(SHAPES[patient.kind][5] + rng.normal(0, 0.12), 0, 1))
    haematoxylin, eosin = stroma(rng, patient, outside, fibrous)
    cleft = rng.uniform(0.3, 0.9) if patient.kind in ("adenoma", "carcinoma") else 0.0
    glass = tears(rng, outside, cleft, edge=bool(rng.uniform() < (0.5 if empty else 0.12)))
    haematoxylin, eosin = haematoxylin * (1 - glass), eosin * (1 - glass)
    if glands.any():
        inner = epithelium(rng, patient.kind, glands)
        share = ndimage.gaussian_filter((glands > 0).astype(np.float32), 0.6)
        haematoxylin = haematoxylin + share * (inner[0] - haematoxylin)
        eosin = eosin + share * (inner[1] - eosin)
    image = stain(rng, patient, np.maximum(haematoxylin, 0), np.maximum(eosin, 0))
    return np.ascontiguousarray(image[CROP]), _renumber(glands[CROP])


def lay_out(rng: np.random.Generator, shape: tuple[int, int], kind: str) -> np.ndarray:
    """Where the glands are: ellipses with wavy outlines, warped together; where two overlap, they touch.

    Args:
        rng: Source of randomness.
        shape: Height and width in pixels.
        kind: A key of `SHAPES`.

    Returns:
        Ids int32 `(h, w)`.
    """
    radii, aspects, waviness, gap, _, _ = SHAPES[kind]
    aspect, tilt = rng.uniform(*aspects), rng.uniform(0, np.pi)
    # In these axes, along and across the common direction of the crypts, an ellipse is a circle.
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    squash = np.array([aspect**0.5, aspect**-0.5])[:, None] * turn
    placed: list[tuple[np.ndarray, float]] = []
    for attempt in range(160):
        spot = rng.uniform(-0.05, 1.05, 2) if attempt else rng.uniform(0.3, 0.7, 2)
        centre, radius = squash @ (spot * shape), rng.uniform(*radii)
        near = gap + rng.choice([-0.22, 0.0, 0.12], p=[0.3, 0.45, 0.25])
        if all(np.linalg.norm(centre - other) > near * (radius + size) for other, size in placed):
            placed.append((centre, radius))
    return _clean(_grow(rng, shape, placed, squash.astype(np.float32), waviness))


def _grow(
    rng: np.random.Generator,
    shape: tuple[int, int],
    placed: list[tuple[np.ndarray, float]],
    squash: np.ndarray,
    waviness: float,
) -> np.ndarray:
    """Draw the outlines; where two glands overlap, a pixel goes to the one in which it lies relatively deeper."""
    grid = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    grid += 5 * np.stack([smooth_noise(rng, shape, 25), smooth_noise(rng, shape, 25)])
    plane = np.tensordot(squash, grid, 1)
    best, glands = np.ones(shape, np.float32), np.zeros(shape, np.int32)
    for index, (centre, radius) in enumerate(placed, 1):
        offset = (plane - centre.astype(np.float32)[:, None, None]) / np.float32(radius)
        near = (offset**2).sum(0) < 1.4**2
        across, along = offset[:, near]
        distance = np.hypot(across, along)
        turn = (along + 1j * across) / np.maximum(distance, 1e-3)
        outline, power = np.ones_like(distance), turn
        for wave in range(2, 6):
            power = power * turn
            swing = waviness * 1.6 / wave * rng.normal() * np.exp(1j * rng.uniform(0, 2 * np.pi))
            outline += (power * np.complex64(swing)).real
        level = np.full(shape, 2, np.float32)
        level[near] = distance / np.clip(outline, 0.6, 1.4)
        glands[level < best] = index
        best = np.minimum(best, level)
    return glands


def _clean(glands: np.ndarray) -> np.ndarray:
    """Turn slivers into stroma: pieces of which the tile shows less than `SMALLEST_PX`."""
    kept = glands.copy()
    pieces = _renumber(glands[CROP])
    kept[CROP][(np.bincount(pieces.ravel()) < SMALLEST_PX)[pieces]] = 0
    return kept


def _renumber(glands: np.ndarray) -> np.ndarray:
    """Ids 1..N without a gap, one for each connected piece (4 neighbours) of each gland."""
    ids = np.zeros(glands.shape, np.int32)
    for index in np.unique(glands[glands > 0]):
        pieces, _ = ndimage.label(glands == index)
        ids = np.where(pieces > 0, pieces + ids.max(), ids)
    return ids


def synthesise(output: Path, number: int = 24, seed: int = 0) -> None:
    """Draw a data set in the layout that `python -m custom prepare folder` reads, with 0.62 µm a pixel.

    `images/` and `masks/`, `unlabelled/`, `test/images/` and `test/masks/`; `p03_t2.png` is the second tile of the
    third patient. `split.json` is for `--split`: it cuts a validation set by patient. From 7 tiles on, every section
    has an image; the first tiles of a larger set are those of a smaller one.

    Args:
        output: The directory to write; it must be new or empty.
        number: How many tiles, at least 1.
        seed: Another seed draws other tiles, at least 0.

    Raises:
        RequestError: A number is out of range, or the directory is not empty or cannot be written.
    """
    if number < 1:
        raise RequestError(f"--number: found {number}, wanted at least 1")
    draw_into(output, seed, lambda folder: _write(folder, number, seed))


def _write(folder: Path, number: int, seed: int) -> None:
    split: dict[str, list[str]] = {"training": [], "validation": []}
    labelled_patients: list[int] = []
    for count in tqdm(range(number), desc="drawing", unit="tile", delay=2, disable=None, leave=False):
        index, tile = divmod(count, TILES_PER_PATIENT)
        patient = draw_patient(np.random.default_rng([seed, index]), KINDS[index % len(KINDS)])
        rng = np.random.default_rng([seed, index, tile + 1])
        image, glands = draw_tile(rng, HEIGHT_PX, WIDTH_PX, patient, empty=count % 8 == 5)
        name, section = f"p{index + 1:02d}_t{tile + 1}", SECTIONS[index % len(SECTIONS)]
        if section == "unlabelled":
            _save(folder / section / f"{name}.png", image)
            continue
        _save(folder / section / "images" / f"{name}.png", image)
        _save(folder / section / "masks" / f"{name}.png", glands.astype(np.uint8 if glands.max() < 256 else np.uint16))
        if not section:
            if index not in labelled_patients:
                labelled_patients.append(index)
            # The second labelled patient of each four.
            split["validation" if len(labelled_patients) % 4 == 2 else "training"].append(name)
    (folder / "split.json").write_text(json.dumps(split, indent=1) + "\n", encoding="utf-8")


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def default_dataset() -> str:
    """The set to work on where the user names none, from the user's cache.

    Returns:
        The directory that holds `datalist.json`.

    Raises:
        RequestError: The cache cannot be written.
    """
    number, seed = 24, 0
    name = f"synthetic_glands_v{DRAWING}_number{number}_seed{seed}"
    return draw_once(name, f"{number} synthetic tiles", [""], lambda scratch: _prepare(scratch, number, seed))[0]


def _prepare(scratch: Path, number: int, seed: int) -> None:
    source = scratch / "source"
    synthesise(source, number, seed)
    command = f"python -m custom synthesise --recipe gland --output DATA --number {number} --seed {seed}"
    prepare("folder", source, scratch / "data", seed=seed, split=str(source / "split.json"), mpp=MPP, command=command)
