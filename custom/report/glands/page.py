"""The page of the gland recipe: its words, its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from ..figures import gate_use_figure, gate_verdict, scores_figure
from ..page_parts import number, table, value_cells
from ..score import POOLED, SCORES, Score
from ..wording import Gates, Recipe


def _table(section: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    scores = section["scores"]
    lines = [_line(score, scores[score.name], rows) for score in SCORES if score.name in scores]
    lines += [
        f'<tr><td class="left">{escape(title)}</td><td><b>{number(section["pooled"][key])}</b></td>'
        "<td></td><td></td><td></td></tr>"
        for key, title in POOLED.items()
        if key in section.get("pooled", {})
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


def _told(row: Mapping[str, Any]) -> str:
    return f"Glands: {row['predicted']} found, {row['glands']} drawn." if "glands" in row else ""


def _gates(use: Mapping[str, torch.Tensor]) -> Gates:
    return Gates(
        "For each task a gate weighs the experts, image by image. "
        "A gate is worth having if its weights leave the average and change with the image.",
        {task: gate_verdict(moments) for task, moments in use.items()},
        figures=[(gate_use_figure(use), "Gate weights", "")],
    )


GLANDS = Recipe(
    title="Gland segmentation",
    thing="image",
    scores=SCORES,
    headlines=("object_f1", "object_dice", "object_hausdorff_um", "dice"),
    ranked=("object_dice", "dice"),
    counts={"glands": "drawn", "predicted": "found"},
    table=_table,
    figure=_figure,
    told=_told,
    gates=_gates,
    legend="""<ul class="legend">
<li><i class="outline-found"></i>outline found by the network</li>
<li><i class="outline-label"></i>outline of the reference</li>
<li><i class="area-found"></i>found, not in the reference</li>
<li><i class="area-label"></i>in the reference, missed</li>
</ul>""",
    note="Scores at each image's own size, with one fixed threshold of 0.5. Object scores as "
    "defined by Sirinukunwattana et al., Medical Image Analysis 35 (2017).",
)
