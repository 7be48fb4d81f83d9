"""The page of the gland recipe: its words, its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from ...metrics.gland_errors import KINDS
from ..figure_style import INK, quiet, strip
from ..figures import gate_use_figure, gate_verdict
from ..page_parts import number, table, value_cells
from ..score import Score
from ..wording import Gates, Wording
from .scores import POOLED, SCORES


def scores_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Show how the scores spread over the images: a point an image, a bar for the mean.

    Args:
        rows: A row an image, with values by the names of `SCORES`.

    Returns:
        A figure: shares in [0, 1] on the left, distances in µm on the right where there are any.

    Raises:
        ValueError: If there is no row.
    """
    if not rows:
        raise ValueError("rows must hold at least one image, got none")
    shares = [score for score in SCORES if not score.unit and score.name in rows[0]]
    distances = [score for score in SCORES if score.unit == "µm" and score.name in rows[0]]
    groups = [group for group in (shares, distances) if group]
    figure = Figure(figsize=(5.6 * len(groups), 0.9 + 0.55 * max(map(len, groups))), layout="constrained")
    for axes, group in zip(figure.subplots(1, len(groups), squeeze=False)[0], groups, strict=True):
        for line, score in enumerate(group):
            strip(axes, line, np.array([row[score.name] for row in rows], dtype=float))
        axes.set_yticks(range(len(group)), [score.title for score in group])
        axes.set_ylim(len(group) - 0.45, -0.55)
        if group is shares:
            axes.set_xlim(-0.02, 1.02)
            axes.set_xlabel("share; 1 is perfect", color=INK)
        else:
            axes.set_xlim(left=0)
            axes.set_xlabel("µm; 0 is perfect", color=INK)
        quiet(axes, grid="x")
    return figure


def _table(group: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    scores = group["scores"]
    lines = [_line(score, scores[score.name], rows) for score in SCORES if score.name in scores]
    lines += [
        f'<tr><td class="left">{escape(title)}</td><td><b>{number(group["pooled"][key])}</b></td>'
        "<td></td><td></td><td></td></tr>"
        for key, title in POOLED.items()
        if key in group.get("pooled", {})
    ]
    return table([(name, "") for name in ("score", "mean", "95 % interval", "median", "worst")], lines)


def _line(score: Score, found: Mapping[str, float], rows: Sequence[Mapping[str, Any]]) -> str:
    values = np.array([row[score.name] for row in rows], dtype=float)
    worst = values.min() if score.higher_is_better else values.max()
    title = f"{escape(score.title)}{f' ({score.unit})' if score.unit else ''}"
    return (
        f'<tr><td class="left">{title}</td>{value_cells(found, score.unit)}'
        f"<td>{number(np.median(values), score.unit)}</td><td>{number(worst, score.unit)}</td></tr>"
    )


def _figure(_: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    return scores_figure(rows) if len(rows) > 2 else None


def _counted(row: Mapping[str, Any]) -> str:
    if "glands" not in row:
        return ""
    wrong = ", ".join(f"{row[kind]} {kind}" for kind in KINDS if row.get(kind))
    return f"Glands: {row['predicted']} found, {row['glands']} drawn{f'; {wrong}' if wrong else ''}."


def _remarks(group: Mapping[str, Any]) -> list[str]:
    empty = group.get("without_glands", {"images": 0})
    if not empty["images"]:
        return []
    found = f"{empty['images']} of the images have no gland; in {empty['none_found']} of them none was found"
    return [f"{found}. Such an image scores 1 or 0, which counts in the means; it is not shown as the best one."]


def _gates(use: Mapping[str, torch.Tensor]) -> Gates:
    return Gates(
        "For each output a gate weighs the experts, image by image. "
        "A gate is worth having if its weights leave the average and change with the image.",
        {task: gate_verdict(moments) for task, moments in use.items()},
        figures=[(gate_use_figure(use), "Gate weights", "")],
    )


GLANDS = Wording(
    title="Gland segmentation",
    thing="image",
    scores=SCORES,
    headlines=("object_f1", "object_dice", "object_hausdorff_um", "dice"),
    ranked=("object_dice", "dice"),
    counts={"glands": "drawn", "predicted": "found", **{kind: kind for kind in KINDS}},
    table=_table,
    figure=_figure,
    counted=_counted,
    remarks=_remarks,
    gates=_gates,
    legend="""<ul class="legend">
<li><i class="outline-found"></i>outline found by the network</li>
<li><i class="outline-label"></i>outline of the reference</li>
<li><i class="area-found"></i>found, not in the reference</li>
<li><i class="area-label"></i>in the reference, missed</li>
</ul>
<p class="soft">Words in a picture: a gland is <b>missed</b> if less than half of it is found, <b>extra</b> if less than
half of it is in the reference; one found gland that covers half of several is <b>merged</b>, one that holds several
found ones is <b>split</b>.</p>""",
    note="Scores at each image's own size, with one fixed threshold of 0.5. Object scores as "
    "defined by Sirinukunwattana et al., Medical Image Analysis 35 (2017).",
)
