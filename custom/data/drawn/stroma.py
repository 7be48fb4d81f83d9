"""What lies between synthetic glands: fibres, cells, vessels and tears, as amounts of two stains.

Arrays: `(h, w)`; lengths are pixels of 0.62 µm. `outside_px` is the distance to the nearest gland, 0 inside one.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .tissue import Patient, cells, scatter, smooth_noise, stamp


def fibres(rng: np.random.Generator, outside_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wavy fibres that run one way and bend around the glands.

    Args:
        rng: Source of randomness.
        outside_px: Distance to the nearest gland, in pixels, `(h, w)`.

    Returns:
        Texture of mean 0 and standard deviation 1, and the angle of the fibres in radians, each `(h, w)`.
    """
    shape = outside_px.shape
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle) + 16 * smooth_noise(rng, shape, 45)
    across += 38 * np.exp(-ndimage.gaussian_filter(outside_px, 5) / 22)
    texture = np.zeros(shape, np.float32)
    for width, weight in ((1.0, 0.6), (2.4, 0.8)):
        bands = ndimage.gaussian_filter(rng.standard_normal((256, 256), np.float32), (width, 11 * width), mode="wrap")
        texture += weight * ndimage.map_coordinates(
            bands / bands.std(), [across, along], order=1, mode="grid-wrap", output=np.float32
        )
    slope_y, slope_x = np.gradient(across)
    return texture, np.arctan2(slope_x, -slope_y)


def stroma(
    rng: np.random.Generator, patient: Patient, outside_px: np.ndarray, fibrous: float
) -> tuple[np.ndarray, np.ndarray]:
    """Connective tissue: fibres, spindle-shaped nuclei along them, lymphocytes in swarms, red cells, tears.

    Args:
        rng: Source of randomness.
        patient: Whose tissue it is.
        outside_px: Distance to the nearest gland, in pixels, 0 inside, `(h, w)`.
        fibrous: From loose (0) to dense with fibres (1).

    Returns:
        Amounts of haematoxylin and eosin, each float32 `(h, w)`.
    """
    shape = outside_px.shape
    texture, angle = fibres(rng, outside_px)
    patches = smooth_noise(rng, shape, 14)
    fine = smooth_noise(rng, shape, 1.6)
    eosin = 0.42 + 0.08 * fibrous + (0.07 + 0.06 * fibrous) * texture + 0.05 * patches + 0.05 * fine
    # Loose tissue has small clear gaps between its fibres.
    gap = np.clip(0.7 * fine + 0.5 * patches - 0.6 * texture - 1.25 - 0.7 * fibrous, 0, 0.75)
    eosin = np.maximum(eosin, 0.06) * (1 - gap)
    haematoxylin = (0.12 + 0.02 * patches + 0.015 * texture) * (1 - gap)

    swarm = smooth_noise(rng, shape, 28)
    points = scatter(rng, shape, 9.5)
    row, column = np.round(points).astype(int).T
    lymphoid = rng.uniform(size=len(points)) < patient.inflammation * np.clip(0.55 + 0.5 * swarm[row, column], 0.04, 1)
    spindle = ~lymphoid & (rng.uniform(size=len(points)) < 0.2 + 0.12 * fibrous)
    free = outside_px[row, column] > 4.5
    flow = angle[row, column]
    nuclei = np.concatenate(
        [
            cells(rng, points[free & lymphoid], flow[free & lymphoid], (4.3, 3.7), 1.45, 0.25),
            cells(rng, points[free & spindle], flow[free & spindle], (8.0, 2.3), 1.1, 0.15, 0.25),
        ]
    )
    amount, cover = stamp(shape, nuclei)
    # A little purple cytoplasm around swarms (plasma cells).
    haematoxylin = haematoxylin + 0.2 * np.clip(0.5 + swarm, 0, 1.5) * patient.inflammation
    haematoxylin = haematoxylin * (1 - cover) + amount * (1 + 0.2 * fine)
    eosin = eosin * (1 - 0.3 * cover)
    return haematoxylin, eosin + red_cells(rng, shape, outside_px) * (1 - cover)


def red_cells(rng: np.random.Generator, shape: tuple[int, int], outside_px: np.ndarray) -> np.ndarray:
    """Eosin of red blood cells in a few small vessels.

    Args:
        rng: Source of randomness.
        shape: Height and width in pixels.
        outside_px: Distance to the nearest gland, in pixels, `(h, w)`.

    Returns:
        Amount of eosin, float32 `(h, w)`.
    """
    vessel = smooth_noise(rng, shape, 12) > 2.0
    points = scatter(rng, shape, 7.5)
    row, column = np.round(points).astype(int).T
    kept = points[vessel[row, column] & (outside_px[row, column] > 6)]
    return stamp(shape, cells(rng, kept, 0.0, (3.6, 3.3), 0.75, 0.2))[0]


def tears(rng: np.random.Generator, outside_px: np.ndarray, cleft: float, edge: bool) -> np.ndarray:
    """Empty glass: cracks in the stroma, clefts where it shrank from the glands, the edge of the section.

    Args:
        rng: Source of randomness.
        outside_px: Distance to the nearest gland, in pixels, 0 inside, `(h, w)`.
        cleft: How much of the glands' border is set off by a cleft, in [0, 1].
        edge: Whether the section ends in this tile.

    Returns:
        Share of glass in [0, 1], float32 `(h, w)`; 0 inside the glands.
    """
    shape = outside_px.shape
    crack = np.abs(smooth_noise(rng, shape, 26)) - 0.13 * (smooth_noise(rng, shape, 38) - rng.uniform(0.9, 2.2))
    open_px = 26 * (0.06 - crack) - 3 * np.exp(-outside_px / 4)
    if cleft:
        width = 5 + 3.5 * smooth_noise(rng, shape, 18) - 9 * (1 - cleft)
        open_px = np.maximum(open_px, width - outside_px)
    if edge:
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        angle = rng.uniform(0, 2 * np.pi)
        beyond = (y - shape[0] / 2) * np.sin(angle) + (x - shape[1] / 2) * np.cos(angle) - 0.22 * min(shape)
        beyond += 12 * smooth_noise(rng, shape, 30) + 2.5 * smooth_noise(rng, shape, 5)
        open_px = np.maximum(open_px, np.minimum(beyond, outside_px - 14))
    ragged = open_px + 0.9 * smooth_noise(rng, shape, 2)
    return np.clip(ragged / 1.5, 0, 0.985) * (outside_px > 0)
