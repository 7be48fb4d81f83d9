"""What synthetic volumes show: an abdomen in CT and a heart in MR, in mm around the middle of the volume.

Axes: points (3, x, y, z) towards the patient's right, front and head. Drawn, not learnt; as much anatomy as a network
has to learn: sides, neighbours, sizes, contrasts, and organs that look alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage


@dataclass
class Scene:
    """A volume while it is drawn: later things cover earlier ones.

    Args:
        points: (3, x, y, z) in mm.
        values: (x, y, z) float32, HU or relative brightness.
        label: (x, y, z) uint8 ids.
    """

    points: np.ndarray
    values: np.ndarray = field(init=False)
    label: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.values = np.zeros(self.points.shape[1:], np.float32)
        self.label = np.zeros(self.points.shape[1:], np.uint8)

    def fill(self, where: np.ndarray, value: float, label: int = 0) -> None:
        """Give voxels a value and a label.

        Args:
            where: (x, y, z), which.
            value: HU or brightness.
            label: Id; 0 for what has none, also where an organ was.
        """
        self.values[where] = value
        self.label[where] = label


def grid(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> np.ndarray:
    """Points of a volume's voxels in mm, (3, x, y, z) float32, 0 in the middle."""
    axes = [(np.arange(n) - (n - 1) / 2) * step for n, step in zip(shape, spacing, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32)


def wobble(rng: np.random.Generator, points: np.ndarray, swing_mm: float, length_mm: float) -> np.ndarray:
    """Move points by a few long waves, so that what is drawn with them has no straight lines.

    Args:
        rng: Source of randomness.
        points: (3, x, y, z) in mm.
        swing_mm: Standard deviation of the shift along each axis.
        length_mm: About the length of the waves.

    Returns:
        Points of the same shape.
    """
    shift = np.zeros_like(points)
    for _ in range(4):
        wave = rng.normal(size=3) * 2 * math.pi / length_mm / math.sqrt(3)
        phase = np.tensordot(wave.astype(np.float32), points, 1) + rng.uniform(0, 2 * math.pi)
        shift += (rng.normal(0, swing_mm / math.sqrt(2), 3).astype(np.float32)[:, None, None, None]) * np.sin(phase)
    return points + shift


def ellipsoid(points: np.ndarray, centre: tuple[float, ...], radii: tuple[float, ...]) -> np.ndarray:
    """Which points lie in an ellipsoid along the axes; an infinite radius makes a cylinder.

    Args:
        points: (3, x, y, z) in mm.
        centre: In mm.
        radii: In mm.
    """
    offset = [(points[axis] - centre[axis]) / radii[axis] for axis in range(3)]
    return offset[0] ** 2 + offset[1] ** 2 + offset[2] ** 2 < 1


def abdomen(rng: np.random.Generator, points: np.ndarray, ids: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Draw an abdomen in HU, with contrast in the veins.

    Args:
        rng: Source of randomness: another state draws another patient.
        points: (3, x, y, z) in mm.
        ids: `spleen`, `right kidney`, `left kidney`, `liver` and `aorta` to label id.

    Returns:
        HU and ids, (x, y, z).
    """
    scene, build = Scene(points), rng.uniform(0.9, 1.08)
    fat = rng.uniform(0.8, 0.9)
    p = wobble(rng, points, 3.5, 150) / build

    def vary(centre: tuple[float, float, float], sd: float = 4.0) -> tuple[float, ...]:
        return tuple(float(one + rng.normal(0, sd)) for one in centre)

    def size(radii: tuple[float, float, float]) -> tuple[float, ...]:
        return tuple(float(one * math.exp(rng.normal(0, 0.08))) for one in radii)

    soft = rng.normal(0, 6)
    _draw_wall(scene, p, fat)
    for _ in range(22):  # gut, filled with fluid, food or air
        place = (rng.uniform(-80, 70), rng.uniform(-8, 58), rng.uniform(-95, 0))
        scene.fill(ellipsoid(p, place, size((17, 15, 20))), 45 + soft)
        scene.fill(ellipsoid(p, place, size((12, 10, 15))), rng.choice([25, 25, 60, -850]))
    stomach = vary((-52, 36, 40))
    scene.fill(ellipsoid(p, stomach, size((34, 26, 38))), 60 + soft)
    scene.fill(ellipsoid(p, stomach, (28, 21, 32)), 20)
    scene.fill(ellipsoid(p, (stomach[0], stomach[1] + 12, stomach[2]), (20, 9, 26)), -900)
    liver, spleen = 112 + rng.normal(0, 9), 122 + rng.normal(0, 9)
    scene.fill(ellipsoid(p, vary((62, 18, 45)), size((66, 62, 62))), liver, ids["liver"])
    scene.fill(ellipsoid(p, vary((8, 44, 55)), size((58, 26, 34))), liver, ids["liver"])
    scene.fill(ellipsoid(p, vary((42, 50, 5)), size((12, 13, 18))), 12)  # gallbladder, without a label
    scene.fill(ellipsoid(p, vary((-92, -28, 45)), size((24, 40, 38))), spleen, ids["spleen"])
    cortex = 185 + rng.normal(0, 12)
    for name, side, z in (("right kidney", 1, -28), ("left kidney", -1, -14)):
        centre = vary((side * 62, -44, z), 3)
        scene.fill(ellipsoid(p, centre, size((24, 27, 46))), cortex, ids[name])
        # The pelvis opens towards the spine and is not kidney.
        scene.fill(ellipsoid(p, (centre[0] - side * 14, *centre[1:]), (10, 8, 14)), -60)
    veins = 150 + rng.normal(0, 12)
    scene.fill(ellipsoid(p, vary((-8, -27, 0), 2), (11, 11, np.inf)), veins + 15, ids["aorta"])
    scene.fill(ellipsoid(p, vary((20, -25, 0), 2), (12, 10, np.inf)), veins - 5)
    return scene.values, scene.label


def _draw_wall(scene: Scene, p: np.ndarray, fat: float) -> None:
    """Air, skin and fat, the muscles around the belly and beside the spine, and a vertebra."""
    scene.values[:] = -1000
    scene.fill(ellipsoid(p, (0, 0, 0), (148, 104, np.inf)), -100)
    scene.fill(ellipsoid(p, (0, 0, 0), (148 * fat, 104 * fat, np.inf)), 55)
    scene.fill(ellipsoid(p, (0, 4, 0), (136 * fat, 88 * fat, np.inf)), -95)
    for side in (-1, 1):
        scene.fill(ellipsoid(p, (side * 34, -72, 0), (28, 18, np.inf)), 58)
    scene.fill(ellipsoid(p, (0, -52, 0), (20, 16, np.inf)), 320)
    scene.fill(ellipsoid(p, (0, -52, 0), (16, 12, np.inf)), 170)


def heart(
    rng: np.random.Generator, points: np.ndarray, ids: dict[str, int], squeezed: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a heart across its long axis, bright blood in dark muscle.

    Args:
        rng: Source of randomness: another state draws another patient.
        points: (3, x, y, z) in mm.
        ids: `right ventricle`, `myocardium` and `left ventricle` to label id.
        squeezed: 0 for the end of filling, 1 for the end of the beat.

    Returns:
        Brightness from 0 and ids, (x, y, z).
    """
    scene = Scene(points)
    p = wobble(rng, points, 2.0, 90)
    inner, wall = rng.uniform(21, 27) * (1 - 0.3 * squeezed), rng.uniform(8, 11) * (1 + 0.35 * squeezed)
    x, y = rng.normal(-8, 4), rng.normal(4, 4)
    top, length = rng.uniform(22, 34), rng.uniform(72, 84)
    blood, muscle = 1.0 + rng.normal(0, 0.05), 0.36 + rng.normal(0, 0.03)
    scene.values[:] = 0.02
    scene.fill(ellipsoid(p, (0, 0, 0), (76, 66, np.inf)), 0.85)  # fat under the skin
    chest = ellipsoid(p, (0, 0, 0), (70, 60, np.inf))
    scene.fill(chest, 0.4)
    scene.fill(ellipsoid(p, (0, 4, 0), (62, 52, np.inf)), 0.1)  # lung
    scene.fill(ellipsoid(p, (34, -40, -30), (48, 30, 60)) & chest, 0.5)  # liver
    scene.fill(ellipsoid(p, (x + 18, -36, 0), (9, 9, np.inf)), 0.9)  # aorta, as bright as the ventricles
    scene.fill(ellipsoid(p, (x + 6, y, 4), (inner + wall + 24, inner + wall + 9, 62)), 0.65)  # fat around the heart
    below = points[2] < top  # above it are the atria, as bright, without muscle and without a label
    deep = (np.clip((top - points[2]) / length, 0, 1)) ** 2
    narrow = np.sqrt(1 - deep)  # towards the apex
    across = np.hypot(p[0] - x, p[1] - y)
    bag = ellipsoid(p, (x + 22, y + 4, top), (inner + wall + 2, inner + 6, length * 0.85)) & (p[0] > x)
    scene.fill(bag & ~below, blood)
    scene.fill(bag & below, blood, ids["right ventricle"])
    outer = across < (inner + wall) * narrow
    scene.fill(outer & ~below, blood)
    scene.fill(outer & below, muscle, ids["myocardium"])
    cavity = across < inner * narrow - 3 * deep
    scene.fill(cavity & below, blood, ids["left ventricle"])
    spots = rng.normal(size=points.shape[1:]).astype(np.float32)
    # Muscle strands within the cavity count as cavity.
    strands = (
        (ndimage.gaussian_filter(spots, (1.2, 1.2, 0.6)) > 0.33) & cavity & below & (across > 0.6 * inner * narrow)
    )
    scene.values[strands] = muscle
    return scene.values, scene.label
