"""What all figures share: colours, quiet axes, strips of points."""

from __future__ import annotations

from typing import Literal

import numpy as np
from matplotlib.axes import Axes

# Okabe and Ito's palette, told apart by all common kinds of colour vision; the yellow is left out: too pale for lines.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
INK, PALE = "#333333", "#8a8f98"


def sideways(count: int) -> np.ndarray:
    """Offsets that keep points of a strip apart: by the golden ratio, which spreads evenly and without chance.

    Args:
        count: Number of points.

    Returns:
        As many offsets within ±0.32.
    """
    return 0.64 * ((np.arange(count) * 0.618034) % 1.0 - 0.5)


def strip(axes: Axes, line: int, values: np.ndarray) -> None:
    """Draw values as points along a line, and their mean as a bar across it.

    Args:
        axes: Where.
        line: The line's place on the vertical axis.
        values: The values; what is not finite is left out.
    """
    values = values[np.isfinite(values)]
    axes.plot(values, line + sideways(len(values)), "o", markersize=4.5, alpha=0.4, color=PALETTE[0], markeredgewidth=0)
    if len(values):
        axes.plot([values.mean()] * 2, [line - 0.4, line + 0.4], color=PALETTE[1], linewidth=2.6)


def quiet(axes: Axes, grid: Literal["x", "y"] = "y") -> None:
    """Take away what draws the eye from the data.

    Args:
        axes: Of the figure.
        grid: The axis that gets pale lines.
    """
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(PALE)
    axes.tick_params(colors=INK, labelsize=8.5)
    axes.grid(axis=grid, color="#e6e8eb", linewidth=0.8)
    axes.set_axisbelow(True)
