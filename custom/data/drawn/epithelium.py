"""The inside of synthetic glands: columnar cells, their nuclei, vacuoles and lumens, as amounts of two stains.

Arrays: `(h, w)`; lengths are pixels of 0.62 µm. `depth` is the distance to the gland's own border, `reach` that to
the lumen: a cell stands between them, its nucleus towards the border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.measure import find_contours

from .tissue import cells, scatter, smooth_noise, stamp


@dataclass(frozen=True)
class Epithelium:
    """What the cells of a kind of gland are like.

    Args:
        thickness_px: Height of the cells.
        rings: Depths in pixels of the rings of cells that may be vacuoles.
        vacuoles: Share of cells that hold mucin, in [0, 1].
        crowding_px: Distance between nuclei.
        basal: Nuclei lie in this part of the cell's height, from the border, in [0, 1]; 0 for a single row.
        nucleus_px: Half length and half width of a nucleus.
        darkness: Amount of haematoxylin of a nucleus.
        pallor: How much paler its centre is, in [0, 1].
        cytoplasm: Amounts of haematoxylin and eosin of the cytoplasm.
        lumens: Share of the inner gland that further lumens take, in [0, 1].
        secretion: Chance that a lumen is filled.
    """

    thickness_px: float
    rings: tuple[float, ...]
    vacuoles: float
    crowding_px: float
    basal: float
    nucleus_px: tuple[float, float]
    darkness: float
    pallor: float
    cytoplasm: tuple[float, float]
    lumens: float
    secretion: float


EPITHELIA = {
    "goblet": Epithelium(62, (17.0, 37.0), 0.97, 11.5, 0, (5.6, 4.2), 1.1, 0.45, (0.17, 0.36), 0, 0.1),
    "crypt": Epithelium(42, (20.0, 35.0), 0.2, 10.0, 0, (6.0, 4.6), 1.1, 0.5, (0.24, 0.46), 0, 0.1),
    "adenoma": Epithelium(30, (20.0,), 0, 7.6, 0.6, (7.2, 3.6), 1.3, 0.35, (0.34, 0.5), 0, 0.45),
    "carcinoma": Epithelium(29, (17.0,), 0, 9.6, 0.68, (7.4, 4.9), 1.1, 0.5, (0.3, 0.46), 0.16, 0.5),
}


def epithelium(rng: np.random.Generator, kind: str, glands: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fill the glands.

    Args:
        rng: Source of randomness.
        kind: A key of `EPITHELIA`.
        glands: Ids, int `(h, w)`, 0 outside.

    Returns:
        Amounts of haematoxylin and eosin, each float `(h, w)`; meaningless outside the glands.
    """
    look = EPITHELIA[kind]
    shape = glands.shape
    depth = own_depth(glands)
    smooth_depth = ndimage.gaussian_filter(depth, 1.5)
    lumen = open_lumens(rng, look, glands, smooth_depth)
    reach = ndimage.distance_transform_edt(~lumen).astype(np.float32)
    place = depth / (depth + reach + 1e-3)
    fine = smooth_noise(rng, shape, 1.2)

    shade, wall, mucin = columns(rng, look, (glands > 0) & ~lumen, smooth_depth, place)
    # Supranuclear cytoplasm is paler and pinker than the base; the cells' walls and the brush border are darker.
    haematoxylin = look.cytoplasm[0] * (1.25 - 0.6 * place) * (1 + 0.1 * shade + 0.08 * fine)
    eosin = look.cytoplasm[1] * (0.9 + 0.22 * place) * (1 + 0.07 * shade + 0.1 * fine) + 0.1 * wall
    eosin += 0.16 * np.exp(-reach / 1.5) + 0.12 * np.exp(-depth / 1.2)
    haematoxylin = haematoxylin * (1 - mucin) + (0.04 + 0.02 * fine) * mucin
    eosin = eosin * (1 - mucin) + (0.05 + 0.025 * fine) * mucin

    amount, cover = stamp(shape, nuclei(rng, look, glands, depth, smooth_depth, reach, place))
    chromatin = 1 + 0.2 * smooth_noise(rng, shape, 0.9)
    haematoxylin = haematoxylin * (1 - cover) + amount * chromatin
    eosin = eosin * (1 - 0.3 * cover)
    filled = lumen_content(rng, look, glands, lumen)
    clear = ndimage.gaussian_filter(lumen.astype(np.float32), 0.8)
    return haematoxylin + clear * (filled[0] - haematoxylin), eosin + clear * (filled[1] - eosin)


def own_depth(glands: np.ndarray) -> np.ndarray:
    """Distance of each pixel to the border of its own gland, where touching glands have a border between them."""
    border = glands == 0
    for axis in range(2):
        step = np.diff(glands, axis=axis) != 0
        for side in ((1, 0), (0, 1)):
            border |= np.pad(step, [side if axis == a else (0, 0) for a in range(2)])
    return ndimage.distance_transform_edt(~border).astype(np.float32)


def open_lumens(rng: np.random.Generator, look: Epithelium, glands: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """The middle of each gland, and where the kind has them several smaller holes."""
    shape = glands.shape
    deepest = np.atleast_1d(ndimage.maximum(depth, glands, np.arange(glands.max() + 1)))
    ceiling = (deepest * rng.uniform(0.72, 0.88, len(deepest)))[glands]
    height = look.thickness_px * (1 + 0.12 * smooth_noise(rng, shape, 16) + 0.03 * smooth_noise(rng, shape, 4))
    lumen = depth > np.minimum(height, ceiling)
    if look.lumens:
        # Cribriform growth: bridges of cells cross the lumen, and small lumens open in the sheet.
        lumen &= np.abs(smooth_noise(rng, shape, 20)) > 0.4
        lumen |= (depth > 0.75 * height) & (smooth_noise(rng, shape, 8) > 2.0 - 2 * look.lumens)
        # No strand thinner than a cell: an opening of the tissue by 8 pixels.
        core = ndimage.distance_transform_edt(~lumen) > 8
        lumen &= ndimage.distance_transform_edt(~core) > 8.5
    return lumen & (glands > 0)


def ring(rng: np.random.Generator, depth: np.ndarray, level_px: float, spacing_px: float) -> np.ndarray:
    """Points about `spacing_px` apart on the line of one depth, float `(n, 2)`."""
    points = [np.empty((0, 2))]
    for line in find_contours(depth, level_px):
        arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        number = int(arc[-1] / spacing_px)
        at = (np.arange(number) + rng.uniform(0, 1) + rng.uniform(-0.22, 0.22, number)) * spacing_px
        points.append(np.column_stack([np.interp(at, arc, line[:, axis]) for axis in range(2)]))
    return np.concatenate(points)


def columns(
    rng: np.random.Generator, look: Epithelium, tissue: np.ndarray, depth: np.ndarray, place: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells as a Voronoi partition of rings of seeds: shade of each cell, its walls, and where it holds mucin."""
    shade, wall, mucin = np.zeros((3, *depth.shape), np.float32)
    seeds = np.concatenate([ring(rng, depth, level, 16.5 - 0.1 * level) for level in look.rings])
    seeds = seeds + rng.normal(0, 2.6, seeds.shape)
    if len(seeds) < 2:
        return shade, wall, mucin
    distance, nearest = cKDTree(seeds).query(np.argwhere(tissue), k=2)
    to_wall = distance[:, 1] - distance[:, 0]
    shade[tissue] = rng.normal(0, 1, len(seeds))[nearest[:, 0]]
    wall[tissue] = np.clip(1 - to_wall / 1.6, 0, 1)
    holds = rng.uniform(size=len(seeds)) < look.vacuoles
    size = rng.uniform(7.5, 11.5, len(seeds)) + 30 * (look.vacuoles > 0.5)
    to_wall = to_wall - rng.uniform(0.8, 3.0, len(seeds))[nearest[:, 0]]
    space = np.minimum(to_wall, size[nearest[:, 0]] - distance[:, 0])
    mucin[tissue] = np.clip(space, 0, 1) * holds[nearest[:, 0]]
    # Mucin stays clear of the nuclei's row; blurred and cut, its drops get round corners.
    mucin *= np.clip((depth - 9.5) / 2, 0, 1)
    return shade, wall, np.clip(2.6 * ndimage.gaussian_filter(mucin, 2.0) - 0.95, 0, 1)


def nuclei(
    rng: np.random.Generator,
    look: Epithelium,
    glands: np.ndarray,
    depth: np.ndarray,
    smooth_depth: np.ndarray,
    reach: np.ndarray,
    place: np.ndarray,
) -> np.ndarray:
    """Nuclei along the border, their long axes towards the lumen: rows of `cells`."""
    shape = glands.shape
    slope_y, slope_x = np.gradient(ndimage.gaussian_filter(depth - np.minimum(reach, 60), 3))
    if look.basal:
        points = scatter(rng, shape, look.crowding_px)
        row, column = np.round(points).astype(int).T
        limit = look.basal * (1 + 0.16 * smooth_noise(rng, shape, 12)[row, column])
        low = (place[row, column] < limit) | (depth[row, column] > 1.15 * look.thickness_px)
        kept = low & (depth[row, column] > 4.5) & (reach[row, column] > 6)
        points = points[kept & (glands[row, column] > 0)]
    else:
        points = ring(rng, smooth_depth, 6.2, look.crowding_px)
        points = points + rng.normal(0, 1.3, points.shape)
        points = points[rng.uniform(size=len(points)) < 0.94]
    row, column = np.clip(np.round(points).astype(int), 0, np.array(shape) - 1).T
    angle = np.arctan2(slope_y[row, column], slope_x[row, column])
    if look.vacuoles > 0.5:
        angle = angle + np.pi / 2  # mucin flattens them against the border
    drawn = cells(rng, points, angle, look.nucleus_px, look.darkness, look.pallor, 0.13)
    nucleoli = points[rng.uniform(size=len(points)) < 1.4 * (look.pallor - 0.2)]
    nucleoli = nucleoli + rng.normal(0, 1.1, nucleoli.shape)
    return np.concatenate([drawn, cells(rng, nucleoli, 0.0, (1.5, 1.4), 1.15 * look.darkness)])


def lumen_content(
    rng: np.random.Generator, look: Epithelium, glands: np.ndarray, lumen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Threads of mucus, in some glands a pink secretion that shrank from the wall, with debris of dead cells."""
    shape = glands.shape
    fine, cloud = smooth_noise(rng, shape, 1.3), smooth_noise(rng, shape, 9)
    thread = np.exp(-((smooth_noise(rng, shape, 5) / 0.09) ** 2)) * (cloud > 0.3)
    inner = ndimage.distance_transform_edt(lumen) + 2.5 * cloud + fine
    dense = (rng.uniform(size=glands.max() + 1) < look.secretion)[glands] * np.clip((inner - 6) / 2, 0, 1)
    points = scatter(rng, shape, 13)
    row, column = np.round(points).astype(int).T
    debris = points[lumen[row, column] & (rng.uniform(size=len(points)) < 0.35 * dense[row, column])]
    amount, _ = stamp(shape, cells(rng, debris, 0.0, (2.6, 2.1), 1.2, 0, 0.3))
    haematoxylin = 0.015 + 0.04 * thread + 0.05 * dense + amount
    return haematoxylin, 0.015 + 0.07 * thread + dense * np.clip(0.4 + 0.16 * fine + 0.05 * cloud, 0, 1)
