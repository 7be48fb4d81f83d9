import numpy as np
import pytest

from custom.data.drawn.anatomy import ellipsoid, grid


def test_an_ellipsoid_has_its_volume():
    points = grid((40, 40, 20), (1.0, 1.0, 2.0))
    assert points[:, 0, 0, 0].tolist() == [-19.5, -19.5, -19.0]
    volume_mm3 = 2.0 * ellipsoid(points, (1, 2, 0), (15, 12, 10)).sum()
    assert volume_mm3 == pytest.approx(4 / 3 * np.pi * 15 * 12 * 10, rel=0.02)
