"""What the gates of a network with many mixture layers do: by layer and modality, and token by token on a slice.

Axes: n volumes, e experts, l layers, x and y of a slice in RAS, u and v the tokens of a layer along them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure

from ...drawing.volume import radiological
from ...metrics import gate_use
from ..figure_style import INK, PALE, PALETTE, quiet
from ..figures import gate_verdict

Moments = Mapping[str, Mapping[str, torch.Tensor]]


@dataclass(frozen=True)
class GateMaps:
    """The gates on one slice.

    Attributes:
        modality: Of the volume.
        name: What the volume is called.
        image: The slice as the network sees it, (x, y) in [0, 1], RAS.
        layers: By layer, the weights of its tokens (e, u, v), which cover the slice; or one a pixel.
    """

    modality: str
    name: str
    image: np.ndarray
    layers: Mapping[str, np.ndarray]


def layer_verdicts(moments: Moments, experts: Sequence[str]) -> dict[str, str]:
    """Say in words what each layer's gate does, over all modalities alike and in each.

    Args:
        moments: By modality and layer, what `metrics.gate_moments` gives for each volume, (n, 2, e).
        experts: What the experts are called.

    Returns:
        By layer, `figures.gate_verdict` over volumes of all modalities, each modality counting the same, followed by
        the favourite expert of each modality.
    """
    verdicts = {}
    for layer, pooled in _pooled(moments).items():
        favourites = []
        for modality, layers in moments.items():
            if layer in layers and len(moments) > 1:
                means = layers[layer][:, 0].mean(0)
                favourites.append(f"on {modality} {experts[int(means.argmax())]} at {float(means.max()):.2f}")
        each = f" ({', '.join(favourites)})" if favourites else ""
        verdicts[layer] = gate_verdict(pooled, experts, "volume", "tokens") + each
    return verdicts


def gate_warnings(moments: Moments, experts: Sequence[str]) -> list[str]:
    """Warn of gates that make no choice.

    Args:
        moments: As in `layer_verdicts`.
        experts: What the experts are called.

    Returns:
        A line for the layers whose gate stays at the average, and one for those where one expert alone is used whatever
        the modality; none where all is well. With one modality an expert may well be alone: that is no warning.
    """
    pooled = {layer: values for layer, values in _pooled(moments).items() if values.shape[2] > 1}
    states = {layer: gate_use(values)["state"] for layer, values in pooled.items()}
    indifferent = [layer for layer, state in states.items() if state == "indifferent"]
    collapsed = [layer for layer, state in states.items() if state == "collapsed" and len(moments) > 1]
    warnings = []
    if indifferent:
        warnings.append(
            f"The gate is indifferent in {_listed(indifferent, len(states))}: it only averages the experts."
        )
    if collapsed:
        names = ", ".join(dict.fromkeys(experts[int(pooled[layer][:, 0].mean(0).argmax())] for layer in collapsed))
        warnings.append(
            f"The gate has collapsed in {_listed(collapsed, len(states))}: whatever the modality, "
            f"one expert ({names}) does the work alone."
        )
    return warnings


def gate_use_by_layer_figure(moments: Moments, experts: Sequence[str] | None = None) -> Figure:
    """Show the weight of each expert from layer to layer: a panel a modality, a line an expert, a line at 1/e.

    The band around a line is one standard deviation over all tokens of all volumes.

    Args:
        moments: By modality and layer, what `metrics.gate_moments` gives for each volume, (n, 2, e).
        experts: What the experts are called; None: by their numbers.

    Returns:
        A figure.

    Raises:
        ValueError: If there is no modality or no layer.
    """
    if not moments or not all(moments.values()):
        raise ValueError("moments must hold at least one modality and layer, got none")
    figure = Figure(figsize=(max(5.0, 3.75 * len(moments)), 3.6), layout="constrained")
    grid = figure.subplots(1, len(moments), squeeze=False, sharey=True)[0]
    for axes, (modality, layers) in zip(grid, moments.items(), strict=True):
        count = next(iter(layers.values())).shape[2]
        means, squares = torch.stack([values.double().mean(0) for values in layers.values()]).unbind(1)
        spread = (squares - means.square()).clamp(min=0).sqrt()
        places = np.arange(len(layers))
        axes.axhline(1 / count, color=PALE, linestyle=(0, (4, 3)), linewidth=1.2, zorder=1)
        for expert in range(count):
            colour = PALETTE[expert % len(PALETTE)]
            mean, apart = means[:, expert].numpy(), spread[:, expert].numpy()
            axes.fill_between(places, (mean - apart).clip(0, 1), (mean + apart).clip(0, 1), color=colour, alpha=0.13,
                              linewidth=0)  # fmt: skip
            name = experts[expert] if experts else str(expert + 1)
            axes.plot(places, mean, "o-", color=colour, linewidth=1.8, markersize=4, label=f"expert {name}")
        volumes = next(iter(layers.values())).shape[0]
        title = f"{modality}: {volumes} volume{'s' * (volumes != 1)}"
        axes.set_title(title, fontsize=10.5, fontweight="bold", loc="left", color=INK)
        axes.set_xticks(places, list(layers), rotation=55, ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.4, len(layers) - 0.6)
        axes.set_ylim(-0.02, 1.02)
        quiet(axes)
    grid[0].set_ylabel("gate weight, mean over tokens", color=INK)
    lines, names = grid[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside upper right", ncols=len(names), frameon=False, fontsize=9)
    return figure


def gate_maps_figure(maps: Sequence[GateMaps], experts: Sequence[str] | None = None) -> Figure:
    """Show what the gates do on a slice of each modality: the slice, then the favourite expert's weight at each layer.

    Args:
        maps: A slice a modality, with the same number of layers each.
        experts: What the experts are called; None: by their numbers.

    Returns:
        A figure with a row for each slice.

    Raises:
        ValueError: If there is no slice.
    """
    if not maps:
        raise ValueError("maps must hold at least one slice, got none")
    columns = 1 + max(len(one.layers) for one in maps)
    figure = Figure(figsize=(2.8 * columns + 0.5, 2.85 * len(maps)), layout="constrained")
    grid = figure.subplots(len(maps), columns, squeeze=False)
    shown = None
    for row, one in zip(grid, maps, strict=True):
        height, width = radiological(one.image).shape
        box = (0, width, height, 0)
        row[0].imshow(radiological(one.image), cmap="gray", vmin=0, vmax=1, extent=box)
        row[0].set_title(f"{one.modality}: {one.name}", fontsize=9.5, loc="left", color=INK, fontweight="bold")
        for axes, (layer, weights) in zip(row[1:], one.layers.items(), strict=False):
            favourite = int(weights.mean(axis=(1, 2)).argmax())
            name = experts[favourite] if experts else str(favourite + 1)
            shown = axes.imshow(radiological(weights[favourite]), cmap="viridis", vmin=0, vmax=1, extent=box,
                                interpolation="nearest")  # fmt: skip
            axes.set_title(f"{layer}: expert {name}", fontsize=9.5, loc="left", color=INK)
        for axes in row:
            axes.set_axis_off()
    if shown is not None:
        bar = figure.colorbar(shown, ax=list(grid.ravel()), fraction=0.018, pad=0.01)
        bar.set_label("weight of the layer's favourite expert", color=INK, fontsize=9)
        bar.ax.tick_params(labelsize=8.5, colors=INK)
        bar.outline.set_visible(False)  # type: ignore[operator]
    for axes in grid.ravel():  # after the bar, which sets the anchor too
        axes.set_anchor("NW")
    return figure


def _pooled(moments: Moments) -> dict[str, torch.Tensor]:
    """By layer, the moments of all modalities, repeated so that each modality counts the same."""
    pooled = {}
    for layer in dict.fromkeys(layer for layers in moments.values() for layer in layers):
        parts = [layers[layer] for layers in moments.values() if layer in layers]
        longest = max(len(part) for part in parts)
        pooled[layer] = torch.cat([part[torch.arange(longest) % len(part)] for part in parts])
    return pooled


def _listed(layers: Sequence[str], count: int) -> str:
    if len(layers) == count > 1:
        return f"all {count} layers"
    more = f" and {len(layers) - 4} more" if len(layers) > 4 else ""
    return f"{len(layers)} of {count} layers ({', '.join(layers[:4])}{more})"
