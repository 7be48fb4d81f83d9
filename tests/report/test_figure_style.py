import numpy as np
import pytest
from matplotlib.figure import Figure

from custom.report.figure_style import quiet, sideways, strip


def test_points_of_a_strip_lie_apart_and_beside_their_line():
    offsets = sideways(40)
    assert np.abs(offsets).max() <= 0.32
    # the golden ratio spreads evenly: of n points no two are nearer than about a third of an even grid's step
    assert np.diff(np.sort(offsets)).min() > 0.64 / 40 / 3
    assert len(sideways(0)) == 0


def test_a_strip_has_what_is_finite_and_its_mean():
    axes = Figure().subplots()
    strip(axes, 2, np.array([0.2, np.nan, 0.6, np.inf]))
    points, bar = axes.lines
    assert points.get_xdata().tolist() == [0.2, 0.6]
    assert points.get_ydata() == pytest.approx(2 + sideways(2))
    # (0.2 + 0.6) / 2, across the line
    assert bar.get_xdata() == pytest.approx([0.4, 0.4])
    assert list(bar.get_ydata()) == [1.6, 2.4]
    strip(axes, 3, np.array([np.nan]))
    assert len(axes.lines[2].get_xdata()) == 0
    assert len(axes.lines) == 3


@pytest.mark.parametrize("grid", ["x", "y"])
def test_only_one_axis_has_lines(grid):
    axes = Figure().subplots()
    quiet(axes, grid)
    shown = {name: getattr(axes, f"{name}axis").get_gridlines()[0].get_visible() for name in "xy"}
    assert shown == {name: name == grid for name in "xy"}
