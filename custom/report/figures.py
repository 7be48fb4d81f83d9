"""Figures of a training and of an evaluation; each function returns a figure and neither saves nor shows it.

Axes: n images, e experts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from ..metrics import gate_use
from ..metrics.gate_use import INDIFFERENT
from .figure_style import INK, PALE, PALETTE, quiet, sideways

# What a panel of the curves shows: beginning of the names, title, name of the vertical axis, logarithmic or not.
_PANELS = (
    ("supervised/", "Losses on labelled images", "loss", True),
    ("unsupervised/", "Losses on unlabelled images", "loss", True),
    ("validation/", "Validation", "score", False),
    ("weight/", "Weight of each output", "exp(-s)", False),
    ("pseudo/", "Pseudo-labels", "share", False),
)
_EXPLAINED = {
    "supervised/": "how far the network is from the labels that it learns; they fall, fast at first.",
    "unsupervised/": "how far it is from its teacher on images without labels.",
    "validation/": "the score on images that are not learnt. Where it falls while the losses fall, the network learns "
    "its images by heart, and best.pt is better than last.pt.",
    "weight/": "how much each output counts; these weights are learnt.",
    "pseudo/": "what the teacher says of images without labels: the share of gland, how far the network agrees, how "
    "far it is trusted. A share of gland that runs to 0 or 1 is a collapse.",
    "gate/": "how much each expert is asked; the dashed line is an even share.",
}


def gate_verdict(
    moments: torch.Tensor, names: Sequence[str] | None = None, thing: str = "image", parts: str = "pixels"
) -> str:
    """Say in words what a gate does.

    Args:
        moments: What `metrics.gate_moments` gives for each image, (n, 2, e).
        names: What the experts are called; None: by their numbers.
        thing: What the weights are kept of, in the singular.
        parts: What each thing has weights for.

    Returns:
        Whether the gate stays at the average, ignores its input, uses one expert alone, or chooses by image or place.

    Raises:
        ValueError: If the shape is another one.
    """
    means = _means(moments)
    images, experts = means.shape
    names = names or [str(expert + 1) for expert in range(experts)]
    if experts == 1:
        return "one expert only: there is nothing to choose"
    use = gate_use(moments)
    best = int(np.argmax(use["mean"]))
    favourite = f"expert {names[best]}"
    if use["state"] == "indifferent":
        return f"stays at the average, 1/{experts} each: the gate makes no choice"
    if use["state"] == "collapsed":
        return f"uses {favourite} alone, at {use['mean'][best]:.2f} on average"
    if max(use["spread"]) <= INDIFFERENT < max(use["spread_pixels"]):
        apart = max(use["spread_pixels"])
        return f"chooses by place, not by {thing}: weights vary by up to ±{apart:.2f} over {parts}"
    if images == 1:
        return f"prefers {favourite}; one {thing} cannot tell whether it heeds its input"
    if max(use["spread"]) <= INDIFFERENT:
        return f"ignores its input: every {thing} gets nearly the same weights, {favourite} most"
    winners = np.bincount(means.argmax(1), minlength=experts)
    shares = ", ".join(f"expert {names[i]} in {100 * won / images:.0f} %" for i, won in enumerate(winners) if won)
    return f"heeds its input: weights vary by up to ±{max(use['spread']):.2f} between {thing}s; largest is {shares}"


def gate_use_figure(use: Mapping[str, torch.Tensor], names: Sequence[str] | None = None) -> Figure:
    """Show the weight that each expert gets in each image: a point an image, a bar for the mean, a line at 1/e.

    Args:
        use: By output, what `metrics.gate_moments` gives for each image, (n, 2, e).
        names: What the experts are called; None: by their numbers.

    Returns:
        A figure with a panel for each output, whose title says in words what the gate does.

    Raises:
        ValueError: If there is no output, or an output without image or expert.
    """
    if not use:
        raise ValueError("use must hold the weights of at least one output, got none")
    figure = Figure(figsize=(3.7 * len(use), 3.9), layout="constrained")
    for axes, (output, moments) in zip(figure.subplots(1, len(use), squeeze=False)[0], use.items(), strict=True):
        _gate_panel(axes, output, _means(moments), gate_verdict(moments, names), names)
    return figure


def curves_figure(history: Sequence[Mapping[str, float]]) -> Figure:
    """Show how a training went: losses, weights of outputs, gate use, pseudo-labels and validation over steps.

    Args:
        history: A row an epoch; `step` and any of `supervised/…`, `unsupervised/…`, `weight/…`, `gate/…`, `pseudo/…`,
            `validation/…`. A value may be absent or NaN.

    Returns:
        A figure with a panel for each kind of value that the history holds.

    Raises:
        ValueError: If the history holds nothing to draw.
    """
    names = list(dict.fromkeys(name for row in history for name in row if name != "unsupervised/weight"))
    gated = dict.fromkeys(name.split("/")[1] for name in names if name.startswith("gate/"))
    gates = [(f"gate/{name}/", f"Gate of {name}: mean over images", "weight", False) for name in gated]
    panels = [(panel, [name for name in names if name.startswith(panel[0])]) for panel in (*_PANELS, *gates)]
    panels = [(panel, found) for panel, found in panels if found]
    if not panels:
        raise ValueError(f"history must hold values such as 'supervised/mask', got {names}")
    columns = min(3, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(3.9 * columns, 2.8 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, ((prefix, title, unit, logarithmic), found) in zip(grid, panels, strict=False):
        for colour, name in enumerate(found):
            _curve(axes, history, name, name.removeprefix(prefix), PALETTE[colour % len(PALETTE)])
        axes.set_title(title, fontsize=10.5, fontweight="bold", loc="left", color=INK)
        axes.set_ylabel(unit, color=INK)
        axes.set_xlabel("step", color=INK)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        if logarithmic and _all_positive(history, found):
            _logarithmic(axes)
        if prefix.startswith("gate/"):
            axes.axhline(1 / len(found), color=PALE, linestyle=(0, (4, 3)), linewidth=1.2, zorder=1)
            axes.set_ylim(0, 1)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, frameon=False)
        quiet(axes)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    return figure


def curves_explained(history: Sequence[Mapping[str, float]]) -> list[tuple[str, str]]:
    """What the panels of `curves_figure` show, in words.

    Args:
        history: As in `curves_figure`.

    Returns:
        Title and explanation of each kind of panel that is drawn.
    """
    names = {name for row in history for name in row if name != "unsupervised/weight"}
    titles = {prefix: title for prefix, title, _, _ in _PANELS} | {"gate/": "Gates"}
    return [
        (titles[prefix], text) for prefix, text in _EXPLAINED.items() if any(name.startswith(prefix) for name in names)
    ]


def _means(moments: torch.Tensor) -> np.ndarray:
    """Each image's weights, averaged over its pixels, (n, e)."""
    moments = torch.as_tensor(moments)
    if moments.ndim != 3 or moments.shape[1] != 2 or not moments.numel():
        raise ValueError(f"gate moments must be (n, 2, e) with at least one image, got {tuple(moments.shape)}")
    return moments[:, 0].cpu().numpy()


def _gate_panel(axes: Axes, output: str, weights: np.ndarray, verdict: str, names: Sequence[str] | None) -> None:
    images, experts = weights.shape
    apart = sideways(images)
    axes.axhline(1 / experts, color=PALE, linestyle=(0, (4, 3)), linewidth=1.2, zorder=1)
    axes.annotate(f" 1/{experts}", (1, 1 / experts), xycoords=("axes fraction", "data"), va="center", fontsize=8.5,
                  color=PALE)  # fmt: skip
    for expert in range(experts):
        colour, column = PALETTE[expert % len(PALETTE)], weights[:, expert]
        axes.plot(expert + apart, column, "o", markersize=4.5, alpha=0.45, color=colour, markeredgewidth=0, zorder=2)
        axes.plot([expert - 0.36, expert + 0.36], [column.mean()] * 2, color=colour, linewidth=2.6, zorder=3)
        label = f"{column.mean():.2f} ± {column.std():.2f}"
        axes.annotate(label, (expert, 1.12), ha="center", va="top", fontsize=8.5, fontweight="bold", color=colour)
    axes.set_xlim(-0.6, experts - 0.4)
    axes.set_ylim(-0.02, 1.14)
    axes.set_xticks(range(experts), names or [f"expert {expert + 1}" for expert in range(experts)])
    axes.set_ylabel("gate weight, a point an image", color=INK)
    verdict = fill(verdict, 46)
    axes.set_title(verdict + "\n" * (2 - verdict.count("\n")), fontsize=8.5, loc="left", color=INK)
    axes.annotate(output, (0, 1), (0, 43), xycoords="axes fraction", textcoords="offset points", fontsize=11, color=INK,
                  fontweight="bold")  # fmt: skip
    quiet(axes)


def _curve(axes: Axes, history: Sequence[Mapping[str, float]], name: str, label: str, colour: str) -> None:
    points = [(row["step"], row[name]) for row in history if math.isfinite(row.get(name, math.nan))]
    if points:
        marker = "o" if len(points) < 15 else None
        axes.plot(*zip(*points, strict=True), color=colour, label=label, linewidth=1.6, marker=marker, markersize=3.5)


def _all_positive(history: Sequence[Mapping[str, float]], names: Sequence[str]) -> bool:
    values = [row[name] for row in history for name in names if math.isfinite(row.get(name, math.nan))]
    return bool(values) and min(values) > 0


def _logarithmic(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.tick_params(which="minor", labelsize=8.5, labelcolor=INK, color=PALE)
