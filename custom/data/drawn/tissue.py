"""What synthetic H&E tiles are made of: stains, noise, nuclei.

Arrays: `(h, w)` float32 maps of the amount of haematoxylin or eosin, lengths in pixels of 0.62 µm. A cell is a row
`y, x, angle, half length, half width, darkness, pallor` (angle of the long axis from x towards y, in radians).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

# Optical density of one unit of each stain in red, green, blue; the mean of colon slides scanned with a warm white.
HAEMATOXYLIN = (0.60, 0.80, 0.27)
EOSIN = (0.13, 0.95, 0.24)


@dataclass(frozen=True)
class Patient:
    """How the slide of one patient looks: every tile of the patient shares it.

    Args:
        kind: `goblet`, `crypt`, `adenoma` or `carcinoma`.
        haematoxylin: Optical density of a unit of haematoxylin in red, green, blue.
        eosin: The same of eosin.
        white: Colour of empty glass in [0, 1], red, green, blue.
        inflammation: Share of the stroma's cells that are lymphocytes, in [0, 1].
        blur_px: Standard deviation of the scanner's blur, in pixels.
        noise: Standard deviation of the camera's noise, in [0, 1].
    """

    kind: str
    haematoxylin: np.ndarray
    eosin: np.ndarray
    white: np.ndarray
    inflammation: float
    blur_px: float
    noise: float


def draw_patient(rng: np.random.Generator, kind: str) -> Patient:
    """Draw the stains, the scanner and the inflammation of a patient.

    Args:
        rng: Source of randomness.
        kind: `goblet`, `crypt`, `adenoma` or `carcinoma`.

    Returns:
        The patient.
    """
    tint = rng.normal(0, 0.035, (2, 3))
    amount = np.exp(rng.normal(0.06, 0.16)) * np.exp(rng.normal(0, 0.13, 2))
    return Patient(
        kind=kind,
        haematoxylin=(np.array(HAEMATOXYLIN) + tint[0]) * amount[0],
        eosin=np.maximum(np.array(EOSIN) + tint[1], 0.03) * amount[1],
        white=np.array([0.965, 0.95, 0.965]) + rng.normal(0, 0.01, 3),
        inflammation=float(rng.uniform(0.25, 0.8)),
        blur_px=float(rng.uniform(0.45, 0.75)),
        noise=float(rng.uniform(0.006, 0.014)),
    )


def stain(rng: np.random.Generator, patient: Patient, haematoxylin: np.ndarray, eosin: np.ndarray) -> np.ndarray:
    """Light through stained tissue: Beer-Lambert, `white * exp(-(H h + E e))`, then blur and noise.

    Args:
        rng: Source of randomness.
        patient: Whose stain vectors are used.
        haematoxylin: Amount of haematoxylin, `(h, w)`, at least 0.
        eosin: Amount of eosin, `(h, w)`, at least 0.

    Returns:
        RGB image, uint8 `(h, w, 3)`.
    """
    shape = haematoxylin.shape
    thickness = 1 + 0.05 * smooth_noise(rng, shape, 60)
    grain = rng.normal(0, patient.noise, (*shape, 3)).astype(np.float32)
    image = np.empty((*shape, 3), np.float32)
    for channel in range(3):
        density = thickness * (haematoxylin * patient.haematoxylin[channel] + eosin * patient.eosin[channel])
        light = patient.white[channel] * np.exp(-density)
        image[..., channel] = ndimage.gaussian_filter(light, patient.blur_px) + grain[..., channel]
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], sigma_px: float) -> np.ndarray:
    """Gaussian noise of mean about 0 and standard deviation about 1, smooth over `sigma_px`.

    Args:
        rng: Source of randomness.
        shape: Height and width in pixels.
        sigma_px: Standard deviation of the smoothing, in pixels.

    Returns:
        Noise, float32 `(h, w)`.
    """
    if sigma_px < 3:
        noise = ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), sigma_px, mode="wrap")
        return noise * np.float32(2 * np.sqrt(np.pi) * sigma_px)
    # Wide noise is drawn on a coarse grid, whose knots are 1.5 sigma apart, and interpolated: much faster.
    knots = [int(np.ceil(size / (1.5 * sigma_px))) + 4 for size in shape]
    start = rng.uniform(0, 1, 2)
    y, x = (1.5 + start[axis] + np.arange(shape[axis]) / (1.5 * sigma_px) for axis in range(2))
    coarse = _spline_matrix(y, knots[0]) @ rng.standard_normal(knots) @ _spline_matrix(x, knots[1]).T
    return (2.1 * coarse).astype(np.float32)


def _spline_matrix(position: np.ndarray, knots: int) -> np.ndarray:
    """Weights `(n, knots)` of the cubic B-spline at positions given in knots."""
    distance = np.abs(position[:, None] - np.arange(knots))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.where(distance < 1, near, far)


def scatter(rng: np.random.Generator, shape: tuple[int, int], spacing_px: float) -> np.ndarray:
    """Points about `spacing_px` apart: a jittered hexagonal grid, turned at random.

    Args:
        rng: Source of randomness.
        shape: Height and width of the area in pixels.
        spacing_px: Distance between neighbours, in pixels.

    Returns:
        Points y, x inside the area, float `(n, 2)`.
    """
    reach = int(np.hypot(*shape) / spacing_px / 1.7) + 2
    row, column = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    grid = np.stack([row * 0.87, column + 0.5 * (row % 2)], 1) + rng.uniform(-0.32, 0.32, (len(row), 2))
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = grid @ turn * spacing_px + np.array(shape) / 2
    return points[((points >= 0) & (points <= np.array(shape) - 1)).all(1)]


def cells(
    rng: np.random.Generator,
    points: np.ndarray,
    angle: np.ndarray | float,
    half_px: tuple[float, float],
    darkness: float,
    pallor: float = 0.0,
    spread: float = 0.12,
) -> np.ndarray:
    """Nuclei at points, each a little different.

    Args:
        rng: Source of randomness.
        points: y, x of the centres, `(n, 2)`.
        angle: Angle of the long axes, in radians, one or `(n,)`.
        half_px: Half length and half width, in pixels.
        darkness: Amount of haematoxylin.
        pallor: How much paler the centre is than the rim, in [0, 1].
        spread: Relative standard deviation of size and darkness.

    Returns:
        One row a cell, float `(n, 7)`.
    """
    number = len(points)
    vary = np.exp(rng.normal(0, spread, (number, 3)))
    turned = np.broadcast_to(angle, number) + rng.normal(0, 0.18, number)
    pale = np.clip(pallor + rng.normal(0, 0.12, number) * (pallor > 0), 0, 0.9)
    return np.column_stack(
        [points, turned, half_px[0] * vary[:, 0], half_px[1] * vary[:, 1], darkness * vary[:, 2], pale]
    )


def stamp(shape: tuple[int, int], nuclei: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw nuclei, all at once: egg-shaped, with a soft edge, a dark rim and a paler centre.

    Args:
        shape: Height and width in pixels.
        nuclei: Rows of `cells`, `(n, 7)`.

    Returns:
        Amount of haematoxylin and cover in [0, 1], each float32 `(h, w)`.
    """
    amount, cover = np.zeros((2, *shape), np.float32)
    if not len(nuclei):
        return amount, cover
    y, x, angle, length, width, darkness, pallor = (column[:, None, None] for column in nuclei.astype(np.float32).T)
    reach = int(np.ceil(max(length.max(), width.max()))) + 2
    step = np.arange(-reach, reach + 1)
    rows, columns = np.broadcast_arrays(np.round(y).astype(int) + step[:, None], np.round(x).astype(int) + step)
    # In float32 throughout, which halves the time.
    dy = (np.round(y) - y) + step[:, None].astype(np.float32)
    dx = (np.round(x) - x) + step.astype(np.float32)
    along = (dx * np.cos(angle) + dy * np.sin(angle)) / length
    across = (dy * np.cos(angle) - dx * np.sin(angle)) / width
    radius = np.sqrt(along**2 + (across * (1 + 0.22 * along)) ** 2)
    inside = np.clip((1 - radius) * width / 1.3 + 0.5, 0, 1)
    body = darkness * (1 - pallor * np.clip((0.95 - radius) / 0.5, 0, 1))
    drawn = (inside > 0) & (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    at = rows[drawn], columns[drawn]
    np.maximum.at(amount, at, (inside * body)[drawn])
    np.maximum.at(cover, at, inside[drawn])
    return amount, cover
