"""`report.html`: one page with all that an evaluation found, which needs no other file and no network.

How the page is built is the same for all recipes; what it says is the recipe's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

import numpy as np

from .figures import curves_figure
from .glands.page import GLANDS
from .page_parts import figure_block, number, photograph, table
from .page_style import STYLE
from .score import Score
from .wording import Gates, Recipe

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


@dataclass(frozen=True)
class Case:
    """An image or volume worth looking at.

    Attributes:
        rank: `best`, `median` or `worst`.
        row: Its scores.
        image: The picture as it was, uint8 (h, w, 3); None where the overlay shows it too.
        overlay: The picture with outlines, uint8 (h, w, 3).
        section: Where the page has several: whose best, median or worst it is.
    """

    rank: str
    row: Mapping[str, Any]
    image: np.ndarray | None
    overlay: np.ndarray
    section: str = ""


def report_page(
    summary: Mapping[str, Any],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    cases: Sequence[Case] = (),
    gate_use: Any = None,
    history: Sequence[Mapping[str, float]] | None = None,
    recipe: Recipe = GLANDS,
) -> str:
    """Write the page.

    Args:
        summary: What `metrics_summary.json` holds; its `sections` are shown one after the other.
        rows: By section, a row of scores an image or volume.
        cases: What to show of them.
        gate_use: What was kept of the gates' weights; of glands by task the moments (n, 2, e), as
            `metrics.gate_moments` gives them.
        history: Rows of the training's `history.csv`.
        recipe: What the page says.

    Returns:
        The page as HTML, all texts escaped, pictures and style inside.
    """
    sections = summary["sections"]
    parts = [_head(sections, recipe)]
    parts += [_section(name, section, rows[name], recipe) for name, section in sections.items()]
    if cases:
        parts.append(_cases(cases, recipe))
    if gate_use:
        parts.append(_gates(recipe.gates(gate_use)))
    if history:
        parts.append('<h2>Training</h2><p class="soft">How the training of this checkpoint went, a point an epoch.</p>')
        parts.append(figure_block(curves_figure(history), "Curves of the training"))
    parts += [_everything(name, rows[name], recipe) for name in sections if rows[name]]
    parts.append(_record(summary, recipe))
    title = escape(f"{recipe.title}: {', '.join(sections)}")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


def _head(sections: Mapping[str, Any], recipe: Recipe) -> str:
    names = list(sections)
    listed = escape(" and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names))
    counted = "; ".join(f"{escape(name)}: {_counts(section, recipe)}" for name, section in sections.items())
    overview = _overview(sections, recipe) if len(sections) > 1 else ""
    return (
        f'<header><h1>{recipe.title}, evaluated on {listed}</h1><p class="soft">{counted}</p>'
        f'<div class="notice">Research use only. Not for diagnosis.</div>{overview}</header>'
    )


def _overview(sections: Mapping[str, Any], recipe: Recipe) -> str:
    scores = [score for score in _headlines(recipe) if any(score.name in one["scores"] for one in sections.values())]
    lines = []
    for name, section in sections.items():
        means = [section["scores"].get(score.name, {}).get("mean") for score in scores]
        cells = "".join(
            f"<td>{number(mean, score.unit) if score.name in section['scores'] else ''}</td>"
            for score, mean in zip(scores, means, strict=True)
        )
        lines.append(f'<tr><td class="left">{escape(name)}</td><td>{section[f"{recipe.thing}s"]}</td>{cells}</tr>')
    headings = [("", ""), (f"{recipe.thing}s", ""), *((score.title, score.unit) for score in scores)]
    return f'<div class="overview">{table(headings, lines)}</div>'


def _headlines(recipe: Recipe) -> list[Score]:
    by_name = {score.name: score for score in recipe.scores}
    return [by_name[name] for name in recipe.headlines]


def _counts(section: Mapping[str, Any], recipe: Recipe) -> str:
    things, patients = section[f"{recipe.thing}s"], section["patients"]
    people = f"{patients} patient{'s' * (patients != 1)}" if patients else "patients not known"
    return f"{things} {recipe.thing}{'s' * (things != 1)}, {people}"


def _section(name: str, section: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], recipe: Recipe) -> str:
    scores = section["scores"]
    cards = "".join(_card(score, scores[score.name]) for score in _headlines(recipe) if score.name in scores)
    resampled = f"95 % intervals: bootstrap over {'patients' if section['patients'] else f'{recipe.thing}s'}."
    if section["patients"] and section["patients"] < 20:
        resampled += " With so few patients they are rough."
    shown = recipe.figure(section, rows)
    figure = ""
    if shown is not None:
        alt = f"Scores of each {recipe.thing} of {name}"
        figure = figure_block(shown, alt, f"A point {_a(recipe.thing)}; orange: the mean.")
    return (
        f'<section><h2>{escape(name)}: scores</h2><p class="soft">{_counts(section, recipe)}. {resampled}</p>'
        f'<div class="cards">{cards}</div>{figure}<h3>All scores</h3>{recipe.table(section, rows)}</section>'
    )


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


def _cases(cases: Sequence[Case], recipe: Recipe) -> str:
    shown = ""
    for section, of_section in groupby(cases, lambda case: case.section):
        shown += f"<h3>{escape(section)}</h3>" if section else ""
        shown += "".join(_case(case, recipe) for case in of_section)
    ranked = recipe.rank(cases[0].row).title
    return f"<section><h2>What it looks like</h2><p>Ranked by {ranked}.</p>{recipe.legend}{shown}</section>"


def _case(case: Case, recipe: Recipe) -> str:
    scores = [score for score in recipe.scores if score.name in case.row and score.unit != "px"]
    # No-break spaces keep a score, its value and its unit on one line.
    told = " · ".join(
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
        f"{escape(recipe.told(case.row))}<br>{escape(told)}</figcaption></figure>"
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


def _everything(name: str, rows: Sequence[Mapping[str, Any]], recipe: Recipe) -> str:
    """The table of all images or volumes of a section, worst first."""
    ranked = recipe.rank(rows[0]).name
    # Pixels repeat the µm; they stay in the table of the section and in metrics.csv.
    present = [score for score in recipe.scores if score.name in rows[0] and score.unit != "px"]
    counts = {key: title for key, title in recipe.counts.items() if key in rows[0]}
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
    headings = [(recipe.thing, ""), ("patient", ""), *((score.title, score.unit) for score in present)]
    headings += [(title, "") for title in counts.values()]
    return (
        f'<section><h2>{escape(name)}: every {recipe.thing}</h2><p class="soft">Worst first.</p>'
        f"{table(headings, lines, left=2)}</section>"
    )


def _record(summary: Mapping[str, Any], recipe: Recipe) -> str:
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
        f'<p class="soft">{recipe.note} Research use only; not for diagnosis.</p></section>'
    )


def _plain_text(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
