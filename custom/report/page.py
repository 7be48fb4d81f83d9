"""`report.html`: one page with all that an evaluation found, which needs no other file and no network.

How the page is built is the same for all recipes; what it says is the recipe's own (`wording`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

import numpy as np

from ..files import plain
from .figures import curves_explained, curves_figure
from .findings import Case, Findings
from .page_parts import figure_block, number, photograph, table
from .page_style import STYLE
from .score import Score
from .wording import Gates, Wording

# More are folded away: what is wrong with a gate stands above them.
_MOST_VERDICTS = 6
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


def report_page(
    findings: Findings, record: Mapping[str, Any], history: Sequence[Mapping[str, float]] | None = None
) -> str:
    """Write the page.

    Args:
        findings: What the evaluation found.
        record: How it was made: `command`, `checkpoint`, `versions` and the like, as far as they are known.
        history: Rows of the training's `history.csv`.

    Returns:
        The page as HTML, all texts escaped, pictures and style inside.
    """
    wording, groups, rows = findings.wording, plain(findings.groups), findings.rows
    parts = [_head(groups, wording)]
    parts += [_group(name, group, rows[name], wording) for name, group in groups.items()]
    if findings.cases:
        parts.append(_cases(findings.cases, wording))
    if findings.gate_use:
        parts.append(_gates(wording.gates(findings.gate_use)))
    if history:
        parts.append('<h2>Training</h2><p class="soft">How the training of this checkpoint went, a point an epoch.</p>')
        parts.append(figure_block(curves_figure(history), "Curves of the training"))
        lines = (f"<li><strong>{escape(a)}</strong>: {escape(b)}</li>" for a, b in curves_explained(history))
        parts.append(f'<ul class="verdicts">{"".join(lines)}</ul>')
    parts += [_everything(name, rows[name], wording) for name in groups if rows[name]]
    parts.append(_record(record, wording))
    title = escape(f"{wording.title}: {', '.join(groups)}")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


def _head(groups: Mapping[str, Any], wording: Wording) -> str:
    names = list(groups)
    listed = escape(" and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names))
    counted = "; ".join(f"{escape(name)}: {_counts(group, wording)}" for name, group in groups.items())
    overview = _overview(groups, wording) if len(groups) > 1 else ""
    return (
        f'<header><h1>{wording.title}, evaluated on {listed}</h1><p class="soft">{counted}</p>'
        f'<div class="notice">Research use only. Not for diagnosis.</div>{overview}</header>'
    )


def _overview(groups: Mapping[str, Any], wording: Wording) -> str:
    scores = [score for score in _headlines(wording) if any(score.name in one["scores"] for one in groups.values())]
    lines = []
    for name, group in groups.items():
        means = [group["scores"].get(score.name, {}).get("mean") for score in scores]
        cells = "".join(
            f"<td>{number(mean, score.unit) if score.name in group['scores'] else ''}</td>"
            for score, mean in zip(scores, means, strict=True)
        )
        lines.append(f'<tr><td class="left">{escape(name)}</td><td>{group[f"{wording.thing}s"]}</td>{cells}</tr>')
    headings = [("", ""), (f"{wording.thing}s", ""), *((score.title, score.unit) for score in scores)]
    return f'<div class="overview">{table(headings, lines)}</div>'


def _headlines(wording: Wording) -> list[Score]:
    by_name = {score.name: score for score in wording.scores}
    return [by_name[name] for name in wording.headlines]


def _counts(group: Mapping[str, Any], wording: Wording) -> str:
    things, patients = group[f"{wording.thing}s"], group["patients"]
    people = f"{patients} patient{'s' * (patients != 1)}" if patients else "patients not known"
    return f"{things} {wording.thing}{'s' * (things != 1)}, {people}"


def _group(name: str, group: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], wording: Wording) -> str:
    scores = group["scores"]
    cards = "".join(_card(score, scores[score.name]) for score in _headlines(wording) if score.name in scores)
    resampled = f"95 % intervals: bootstrap over {'patients' if group['patients'] else f'{wording.thing}s'}."
    if group["patients"] and group["patients"] < 20:
        resampled += " With so few patients they are rough."
    shown = wording.figure(group, rows)
    figure = ""
    if shown is not None:
        alt = f"Scores of each {wording.thing} of {name}"
        figure = figure_block(shown, alt, f"A point {_a(wording.thing)}; orange: the mean.")
    remarks = "".join(f"<p>{escape(remark)}</p>" for remark in _remarks(group, wording))
    return (
        f'<section><h2>{escape(name)}: scores</h2><p class="soft">{_counts(group, wording)}. {resampled}</p>{remarks}'
        f'<div class="cards">{cards}</div>{figure}<h3>All scores</h3>{wording.table(group, rows)}</section>'
    )


def _remarks(group: Mapping[str, Any], wording: Wording) -> list[str]:
    """What has to be known of a group to read its scores."""
    remarks = wording.remarks(group)
    if known := group.get("patients_in_training"):
        others = f"{known} of the {group['patients']} patients have other {wording.thing}s in this data set's training"
        upper = f"the scores say how well new {wording.thing}s of known patients do, an upper bound for new patients"
        remarks.append(f"{others}: {upper}.")
    return remarks


def _a(thing: str) -> str:
    return f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"


def _card(score: Score, found: Mapping[str, float]) -> str:
    mean, low, high = found["mean"], found.get("low"), found.get("high")
    known = low is not None and high is not None and bool(np.isfinite([low, high]).all())
    scale = ""
    if not score.unit and known and low is not None and high is not None:
        scale = (f'<div class="scale"><i style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
                 f'<b style="left:{100 * mean:.1f}%"></b></div>')  # fmt: skip
    value, _, unit = score.text(mean).partition(" ")
    interval = f"95 % interval {number(low, score.unit)} to {number(high, score.unit)}" if low is not None else ""
    direction = "Higher is better." if score.higher_is_better else "Lower is better."
    return (
        f'<div class="card"><div class="name">{escape(score.title)}</div>'
        f'<div class="value">{value} <small>{escape(unit)}</small></div>{scale}'
        f'<div class="interval">{interval}</div>'
        f'<p class="meaning">{escape(score.meaning)} {direction}</p></div>'
    )


def _cases(cases: Sequence[Case], wording: Wording) -> str:
    shown = ""
    for group, of_group in groupby(cases, lambda case: case.group):
        shown += f"<h3>{escape(group)}</h3>" if group else ""
        shown += "".join(_case(case, wording) for case in of_group)
    ranked = wording.rank(cases[0].row).title
    every = f"The overlay of every {wording.thing} is in the folder <code>overlays</code> beside this page."
    return f"<section><h2>What it looks like</h2><p>Ranked by {ranked}. {every}</p>{wording.legend}{shown}</section>"


def _case(case: Case, wording: Wording) -> str:
    scores = [score for score in wording.scores if score.name in case.row and score.unit != "px"]
    # No-break spaces keep a score, its value and its unit on one line.
    scored = " · ".join(
        f"{score.title} {score.text(float(case.row[score.name]))}".replace(" ", "\u00a0") for score in scores
    )
    name = str(case.row["id"])
    patient = f", patient {escape(str(case.row['patient']))}" if case.row.get("patient") else ""
    outlined = photograph(case.overlay, f"{name}, with outlines")
    pictures = f'<div class="whole">{outlined}</div>'
    if case.image is not None:
        pictures = f'<div class="pair">{photograph(case.image, f"{name}, as it was")}{outlined}</div>'
    return (
        f'<figure class="case">{pictures}'
        f"<figcaption><strong>{case.rank.capitalize()}: {escape(name)}</strong>{patient}. "
        f"{escape(wording.counted(case.row))}<br>{escape(scored)}</figcaption></figure>"
    )


def _gates(gates: Gates) -> str:
    warnings = "".join(f'<div class="notice">{escape(warning)}</div>' for warning in gates.warnings)
    verdicts = "".join(
        f"<li><strong>{escape(name)}</strong>: the gate {escape(words)}.</li>" for name, words in gates.verdicts.items()
    )
    listed = f'<ul class="verdicts">{verdicts}</ul>'
    if len(gates.verdicts) > _MOST_VERDICTS:
        listed = f"<details><summary>What each of the {len(gates.verdicts)} gates does</summary>{listed}</details>"
    figures = "".join(figure_block(*figure) for figure in gates.figures)
    return f"<section><h2>Which experts are used</h2><p>{escape(gates.text)}</p>{warnings}{listed}{figures}</section>"


def _everything(name: str, rows: Sequence[Mapping[str, Any]], wording: Wording) -> str:
    """The table of all images or volumes of a group, worst first."""
    ranked = wording.rank(rows[0]).name
    # Pixels repeat the µm; they stay in the table of the group and in metrics.csv.
    present = [score for score in wording.scores if score.name in rows[0] and score.unit != "px"]
    counts = {key: title for key, title in wording.counts.items() if key in rows[0]}
    lines = []
    for row in sorted(rows, key=lambda row: np.nan_to_num(float(row[ranked]), nan=np.inf)):
        cells = ""
        for score in present:
            share = np.nan_to_num(100 * float(row[score.name]))
            bar = f'<span class="bar"><i style="width:{share:.0f}%"></i></span>' if score.name == ranked else ""
            cells += f"<td>{bar}{number(float(row[score.name]), score.unit)}</td>"
        cells += "".join(f"<td>{row[key]}</td>" for key in counts)
        names = "".join(f'<td class="left">{escape(str(row[key]))}</td>' for key in ("id", "patient"))
        lines.append(f"<tr>{names}{cells}</tr>")
    headings = [(wording.thing, ""), ("patient", ""), *((score.title, score.unit) for score in present)]
    headings += [(title, "") for title in counts.values()]
    return (
        f'<section><h2>{escape(name)}: every {wording.thing}</h2><p class="soft">Worst first.</p>'
        f"{table(headings, lines, left=2)}</section>"
    )


def _record(record: Mapping[str, Any], wording: Wording) -> str:
    lines = ""
    for key, title in _RECORD.items():
        value = record.get(key)
        if isinstance(value, Mapping):
            value = ", ".join(f"{name} {_plain_text(entry)}" for name, entry in value.items())
        if key == "commit" and value and record.get("dirty"):
            value = f"{value}, with changes that were not committed"
        if value not in (None, ""):
            content = f"<code>{escape(str(value))}</code>" if key != "started" else escape(str(value))
            lines += f"<tr><th>{title}</th><td>{content}</td></tr>"
    config = escape(json.dumps(record.get("config", {}), indent=2, ensure_ascii=False))
    return (
        f'<section><h2>How this was made</h2><table class="record"><tbody>{lines}</tbody></table>'
        f"<details><summary>Config</summary><pre>{config}</pre></details>"
        f'<p class="soft">{wording.note} Research use only; not for diagnosis.</p></section>'
    )


def _plain_text(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
