"""The page of the organ recipe: its words, its columns, its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import SymmetricalLogLocator

from ..figure_style import INK, quiet, strip
from ..page_parts import number, table, value_cells
from ..wording import Gates, Wording
from .gates import GateMaps, Moments, gate_maps_figure, gate_use_by_layer_figure, gate_warnings, layer_verdicts
from .scores import ORGAN_SCORES

_COLUMNS = (
    ("organ", ""), ("Dice", ""), ("95 % interval", ""), ("Surface Dice", ""), ("HD95", "mm"), ("cases", ""),
    ("missed", ""), ("extra", "no reference"),
)  # fmt: skip


@dataclass(frozen=True)
class GateRecord:
    """What was kept of the gates.

    Attributes:
        moments: By modality and layer, of each volume (n, 2, e).
        maps: A slice a modality.
        experts: What the experts are called.
    """

    moments: Moments
    maps: Sequence[GateMaps]
    experts: Sequence[str]


def organs_figure(by_organ: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Show how Dice and HD95 of each organ spread: a point a volume, a bar for the mean.

    Args:
        by_organ: By organ, rows with `dice` and `hd95_mm`; NaN or None where a volume has none.

    Returns:
        A figure: Dice on the left, HD95 on the right.

    Raises:
        ValueError: If there is no organ.
    """
    if not by_organ:
        raise ValueError("by_organ must hold at least one organ, got none")
    figure = Figure(figsize=(11.2, 1.0 + 0.36 * len(by_organ)), layout="constrained")
    both = figure.subplots(1, 2, sharey=True)
    for axes, score in zip(both, ("dice", "hd95_mm"), strict=True):
        for line, rows in enumerate(by_organ.values()):
            strip(axes, line, np.array([row[score] for row in rows], dtype=float))
        axes.set_yticks(range(len(by_organ)), list(by_organ))
        axes.set_ylim(len(by_organ) - 0.45, -0.55)
        quiet(axes, grid="x")
        axes.tick_params(axis="y", labelsize=9.5, length=0)
    both[0].set_xlim(-0.02, 1.02)
    both[0].set_xlabel("Dice; 1 is perfect", color=INK)
    # A miss costs the diagonal, hundreds of times what a good outline does.
    both[1].set_xscale("symlog", linthresh=1)
    both[1].xaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1, subs=(1, 2, 5)))
    both[1].xaxis.set_major_formatter("{x:g}")
    values = np.array([row["hd95_mm"] for rows in by_organ.values() for row in rows], dtype=float)
    both[1].set_xlim(-0.15, 1.25 * values.max(initial=1.0, where=np.isfinite(values)))
    both[1].set_xlabel("HD95 in mm; 0 is perfect", color=INK)
    return figure


def _table(group: Mapping[str, Any], _: Sequence[Mapping[str, Any]]) -> str:
    lines = [_line(organ, found, found) for organ, found in group["organs"].items()]
    lines.append(_line(f"mean over {group['mean']['organs']} organs", group["mean"], None))
    if "mean_8" in group:
        found = group["mean_8"]["organs"]
        some = "the 8" if found == 8 else f"{found} of the 8"
        lines.append(_line(f"mean over {some} organs of most BTCV tables", group["mean_8"], None))
    explained = (
        f"Surface Dice at {group['tolerance_mm']:g} mm. Cases: volumes whose reference holds the organ. "
        "Missed: of these, those where it was not found. Extra: volumes without it where it was found; they count 0."
    )
    return f'{table(_COLUMNS, lines)}<p class="note">{explained}</p>'


def _line(name: str, found: Mapping[str, Any], counts: Mapping[str, Any] | None) -> str:
    scores = found["scores"]
    heading = f'<td class="left">{escape(name)}</td>' if counts else f'<td class="left"><b>{escape(name)}</b></td>'
    cells = value_cells(scores["dice"])
    cells += f"<td>{number(scores['surface_dice']['mean'])}</td><td>{number(scores['hd95_mm']['mean'], 'mm')}</td>"
    keys = ("cases", "misses", "false_positives")
    cells += "".join(f"<td>{counts[key] if counts else ''}</td>" for key in keys)
    mark = "" if counts else ' class="sum"'
    return f"<tr{mark}>{heading}{cells}</tr>"


def _figure(group: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    return organs_figure(group["by_organ"]) if len(rows) > 2 else None


def _counted(row: Mapping[str, Any]) -> str:
    organs = f"{row['organs']} organ{'s' * (row['organs'] != 1)} in the reference"
    extra = f", {row['extra']} found that it does not hold" if row["extra"] else ""
    return f"{organs}, {row['missed']} missed{extra}."


def _gates(record: GateRecord) -> Gates:
    figures = [
        (gate_use_by_layer_figure(record.moments, record.experts), "Weight of each expert by layer and modality",
         "From the first layer to the last; the band is one standard deviation over tokens.")
    ]  # fmt: skip
    if record.maps:
        figures.append((gate_maps_figure(record.maps, record.experts), "Gate weights of the tokens of a slice",
                        "A slice a modality, and what the gates make of it, token by token."))  # fmt: skip
    return Gates(
        "In each mixture layer a gate weighs the experts, token by token. Each expert is named after its modality. "
        "A gate is worth having if its weights leave the average and heed the modality or the place.",
        layer_verdicts(record.moments, record.experts),
        gate_warnings(record.moments, record.experts),
        figures,
    )


ORGANS = Wording(
    title="Organ segmentation",
    thing="volume",
    scores=ORGAN_SCORES,
    headlines=("dice", "dice_8", "surface_dice", "hd95_mm"),
    ranked=("dice",),
    counts={"organs": "organs", "missed": "missed", "extra": "extra"},
    table=_table,
    figure=_figure,
    counted=_counted,
    remarks=lambda group: [],
    gates=_gates,
    legend='<p class="soft">Axial slices from the feet up, seen from below: the patient\'s right is at the left.</p>',
    note="Scores of whole volumes in each volume's own grid, by the largest class; of an organ that is one "
    "piece by its data set's declaration, the largest connected piece is kept in a volume. An organ "
    "that is missed, and one found where the reference has none, count Dice 0, surface Dice 0 and the diagonal of the "
    "volume for HD95; one that is neither there nor found is left out. Means over organs are means of their means.",
)
