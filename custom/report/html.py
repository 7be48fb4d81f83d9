"""`report.html`: one page with all that an evaluation found, which needs no other file and no network."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from .figures import curves_figure, gate_use_figure, gate_verdict, scores_figure
from .page_style import STYLE
from .scores import BY_NAME, POOLED, SCORES, Score

_HEADLINES = ("object_f1", "object_dice", "object_hausdorff_um", "dice")
_RECORD = {
    "command": "Command",
    "started": "Time",
    "checkpoint": "Checkpoint",
    "checkpoint_sha256": "Its SHA-256",
    "seed": "Seed",
    "commit": "Commit",
    "versions": "Versions",
    "machine": "Machine",
}
_LEGEND = """<ul class="legend">
<li><i class="outline-found"></i>outline found by the network</li>
<li><i class="outline-label"></i>outline of the reference</li>
<li><i class="area-found"></i>found, not in the reference</li>
<li><i class="area-label"></i>in the reference, missed</li>
</ul>"""


@dataclass(frozen=True)
class Case:
    """An image worth looking at.

    Attributes:
        rank: `best`, `median` or `worst`.
        row: Its scores, as in `metrics.csv`.
        image: The picture as it was, uint8 (h, w, 3).
        overlay: The picture with outlines, uint8 (h, w, 3).
    """

    rank: str
    row: Mapping[str, Any]
    image: np.ndarray
    overlay: np.ndarray


def report_page(
    summary: Mapping[str, Any],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    cases: Sequence[Case] = (),
    gate_use: Mapping[str, torch.Tensor] | None = None,
    history: Sequence[Mapping[str, float]] | None = None,
) -> str:
    """Write the page.

    Args:
        summary: What `metrics_summary.json` holds.
        rows: By section, the rows of `metrics.csv`.
        cases: Images to show.
        gate_use: By task, the moments of the gates' weights (n, 2, e), as `metrics.gate_moments` gives them.
        history: Rows of the training's `history.csv`.

    Returns:
        The page as HTML, all texts escaped, pictures and style inside.
    """
    sections = summary["sections"]
    parts = [_head(sections)]
    parts += [_section(name, section, rows[name]) for name, section in sections.items()]
    if cases:
        parts.append(_cases(cases))
    if gate_use:
        parts.append(_gates(gate_use))
    if history:
        parts.append('<h2>Training</h2><p class="soft">How the training of this checkpoint went, a point an epoch.</p>')
        parts.append(_figure(curves_figure(history), "Curves of the training"))
    parts += [_every_image(name, rows[name]) for name in sections]
    parts.append(_record(summary))
    title = escape(f"Gland segmentation: {', '.join(sections)}")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


def _head(sections: Mapping[str, Any]) -> str:
    counted = "; ".join(f"{escape(name)}: {_counts(section)}" for name, section in sections.items())
    names = escape(" and ".join(sections))
    return (
        f'<header><h1>Gland segmentation, evaluated on {names}</h1><p class="soft">{counted}</p>'
        '<div class="notice">Research use only. Not for diagnosis.</div></header>'
    )


def _counts(section: Mapping[str, Any]) -> str:
    images, patients = section["images"], section["patients"]
    people = f"{patients} patient{'s' * (patients != 1)}" if patients else "patients not known"
    return f"{images} image{'s' * (images != 1)}, {people}"


def _section(name: str, section: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    scores = section["scores"]
    present = [score for score in SCORES if score.name in scores]
    cards = "".join(_card(BY_NAME[headline], scores[headline]) for headline in _HEADLINES if headline in scores)
    unit = "patients" if section["patients"] else "images"
    resampled = f"95 % intervals: bootstrap over {unit}."
    if section["patients"] and section["patients"] < 20:
        resampled += " With so few patients they are rough."
    lines = "".join(_score_line(score, scores[score.name], rows) for score in present)
    lines += "".join(
        f'<tr><td class="left">{escape(title)}</td><td><b>{_number(section["pooled"][key], "")}</b></td>'
        "<td></td><td></td><td></td></tr>"
        for key, title in POOLED.items()
        if key in section.get("pooled", {})
    )
    figure = (
        _figure(scores_figure(rows), f"Scores of each image of {name}", "A point an image; orange: the mean.")
        if len(rows) > 2
        else ""
    )
    return (
        f'<section><h2>{escape(name)}: scores</h2><p class="soft">{_counts(section)}. {resampled}</p>'
        f'<div class="cards">{cards}</div>{figure}<h3>All scores</h3><div class="scroll"><table><thead><tr>'
        '<th class="left">score</th><th>mean</th><th>95 % interval</th><th>median</th><th>worst</th></tr></thead>'
        f"<tbody>{lines}</tbody></table></div></section>"
    )


def _card(score: Score, found: Mapping[str, float]) -> str:
    mean, low, high = found["mean"], found.get("low"), found.get("high")
    scale = ""
    if not score.unit and low is not None and high is not None:
        scale = (f'<div class="scale"><i style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
                 f'<b style="left:{100 * mean:.1f}%"></b></div>')  # fmt: skip
    number, _, unit = score.text(mean).partition(" ")
    interval = f"95 % interval {_number(low, score.unit)} to {_number(high, score.unit)}" if low is not None else ""
    direction = "higher is better" if score.higher_is_better else "lower is better"
    return (
        f'<div class="card"><div class="name">{escape(score.title)}</div>'
        f'<div class="value">{number} <small>{escape(unit)}</small></div>{scale}'
        f'<div class="interval">{interval}</div>'
        f'<p class="meaning">{escape(score.meaning)} {direction.capitalize()}.</p></div>'
    )


def _score_line(score: Score, found: Mapping[str, float], rows: Sequence[Mapping[str, Any]]) -> str:
    values = np.array([row[score.name] for row in rows], dtype=float)
    worst = values.min() if score.higher_is_better else values.max()
    title = f"{escape(score.title)}{f' ({score.unit})' if score.unit else ''}"
    return (
        f'<tr><td class="left">{title}</td>{_value_cells(found, score.unit)}'
        f"<td>{_number(np.median(values), score.unit)}</td><td>{_number(worst, score.unit)}</td></tr>"
    )


def _value_cells(found: Mapping[str, float], unit: str) -> str:
    low, high = found.get("low"), found.get("high")
    interval = f"{_number(low, unit)} to {_number(high, unit)}" if low is not None and high is not None else ""
    return f"<td><b>{_number(found['mean'], unit)}</b></td><td>{interval}</td>"


def _number(value: float | None, unit: str) -> str:
    return "n/a" if value is None or not np.isfinite(value) else f"{value:.1f}" if unit else f"{value:.3f}"


def _cases(cases: Sequence[Case]) -> str:
    shown = "".join(_case(case) for case in cases)
    ranked = BY_NAME["object_dice" if "object_dice" in cases[0].row else "dice"].title
    return f"<section><h2>What it looks like</h2><p>Ranked by {ranked}.</p>{_LEGEND}{shown}</section>"


def _case(case: Case) -> str:
    scores = [score for score in SCORES if score.name in case.row and score.unit != "px"]
    # No-break spaces keep a score, its value and its unit on one line.
    told = " · ".join(
        f"{score.title} {score.text(float(case.row[score.name]))}".replace(" ", "\u00a0") for score in scores
    )
    glands = f"Glands: {case.row['predicted']} found, {case.row['glands']} drawn." if "glands" in case.row else ""
    name = escape(str(case.row["id"]))
    patient = f", patient {escape(str(case.row['patient']))}" if case.row.get("patient") else ""
    return (
        f'<figure class="case"><div class="pair">{_photograph(case.image, f"{name}, as it was")}'
        f"{_photograph(case.overlay, f'{name}, with outlines')}</div>"
        f"<figcaption><strong>{case.rank.capitalize()}: {name}</strong>{patient}. {glands}"
        f"<br>{escape(told)}</figcaption></figure>"
    )


def _gates(gate_use: Mapping[str, torch.Tensor]) -> str:
    verdicts = "".join(
        f"<li><strong>{escape(task)}</strong>: the gate {escape(gate_verdict(moments))}.</li>"
        for task, moments in gate_use.items()
    )
    return (
        "<section><h2>Which experts are used</h2><p>For each task a gate weighs the experts, image by image. "
        "A gate is worth having if its weights leave the average and change with the image.</p>"
        f'<ul class="verdicts">{verdicts}</ul>{_figure(gate_use_figure(gate_use), "Gate weights")}</section>'
    )


def _every_image(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    ranked = "object_dice" if rows and "object_dice" in rows[0] else "dice"
    # Pixels repeat the µm; they stay in the table of the section and in metrics.csv.
    present = [score for score in SCORES if rows and score.name in rows[0] and score.unit != "px"]
    head = "".join(f"<th>{escape(score.title)}<small>{score.unit or '&nbsp;'}</small></th>" for score in present)
    counts = [key for key in ("glands", "predicted") if rows and key in rows[0]]
    head += "".join(f"<th>{title}<small>&nbsp;</small></th>" for title in ("drawn", "found")[: len(counts)])
    lines = ""
    for row in sorted(rows, key=lambda row: float(row[ranked])):
        cells = ""
        for score in present:
            bar = f'<span class="bar"><i style="width:{100 * float(row[score.name]):.0f}%"></i></span>'
            cells += f"<td>{bar if score.name == ranked else ''}{_number(float(row[score.name]), score.unit)}</td>"
        cells += "".join(f"<td>{row[key]}</td>" for key in counts)
        names = "".join(f'<td class="left">{escape(str(row[key]))}</td>' for key in ("id", "patient"))
        lines += f"<tr>{names}{cells}</tr>"
    return (
        f'<section><h2>{escape(name)}: every image</h2><p class="soft">Worst first.</p>'
        '<div class="scroll"><table><thead><tr>'
        f'<th class="left">image<small>&nbsp;</small></th><th class="left">patient<small>&nbsp;</small></th>{head}'
        f"</tr></thead><tbody>{lines}</tbody></table></div></section>"
    )


def _record(summary: Mapping[str, Any]) -> str:
    lines = ""
    for key, title in _RECORD.items():
        value = summary.get(key)
        if isinstance(value, Mapping):
            value = ", ".join(f"{name} {_plain_text(entry)}" for name, entry in value.items())
        if key == "commit" and value and summary.get("dirty"):
            value = f"{value}, with changes that were not committed"
        if value not in (None, ""):
            content = f"<code>{escape(str(value))}</code>" if key != "started" else escape(str(value))
            lines += f"<tr><th>{title}</th><td>{content}</td></tr>"
    config = escape(json.dumps(summary.get("config", {}), indent=2, ensure_ascii=False))
    return (
        f'<section><h2>How this was made</h2><table class="record"><tbody>{lines}</tbody></table>'
        f"<details><summary>Config</summary><pre>{config}</pre></details>"
        '<p class="soft">Scores at each image\'s own size, with one fixed threshold of 0.5. Object scores as '
        "defined by Sirinukunwattana et al., Medical Image Analysis 35 (2017). "
        "Research use only; not for diagnosis.</p>"
        "</section>"
    )


def _plain_text(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _figure(figure: Figure, alt: str, caption: str = "") -> str:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=130)
    told = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure class="wide"><img alt="{escape(alt)}" src="{_data("png", file)}">{told}</figure>'


def _photograph(image: np.ndarray, alt: str) -> str:
    """A picture as JPEG, whose loss is not seen and which is a tenth of the size; `alt` is escaped already."""
    file = io.BytesIO()
    shown = Image.fromarray(image)
    shown.thumbnail((1100, 1100))
    shown.save(file, format="JPEG", quality=88, subsampling=0)
    return f'<img alt="{alt}" src="{_data("jpeg", file)}">'


def _data(kind: str, file: io.BytesIO) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
