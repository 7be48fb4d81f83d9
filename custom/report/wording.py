"""What the page of one recipe says: its words, scores and columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from .score import Score


@dataclass(frozen=True)
class Gates:
    """What the page says of the gates.

    Attributes:
        text: What a gate does here, and when it is worth having.
        verdicts: Gate to what it does, in words.
        warnings: What is wrong with them, a line each.
        figures: Figures with their alternative text and caption.
    """

    text: str
    verdicts: Mapping[str, str]
    warnings: Sequence[str] = ()
    figures: Sequence[tuple[Figure, str, str]] = ()


@dataclass(frozen=True)
class Wording:
    """The words, scores and columns of a recipe's page.

    Attributes:
        title: What the page is about.
        thing: What one result belongs to, in the singular: `image`, `volume`.
        scores: The scores of one thing, in the order of their columns.
        headlines: Names of the scores that a group begins with.
        ranked: Names of the scores that things are ranked by; the first that there is counts.
        counts: Columns of whole numbers, with their headings.
        table: Makes a group's table of all its scores, as HTML.
        figure: Shows how a group's scores spread; None where there is too little to show.
        counted: Says in words what a thing holds.
        remarks: Says in sentences what has to be known of a group to read its scores.
        gates: Makes what is said of the gates from what was kept of their weights.
        legend: What the colours of the pictures mean, as HTML.
        note: How scores are made, as HTML.
    """

    title: str
    thing: str
    scores: Sequence[Score]
    headlines: Sequence[str]
    ranked: Sequence[str]
    counts: Mapping[str, str]
    table: Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]]], str]
    figure: Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]]], Figure | None]
    counted: Callable[[Mapping[str, Any]], str]
    remarks: Callable[[Mapping[str, Any]], list[str]]
    gates: Callable[[Any], Gates]
    legend: str
    note: str

    def rank(self, row: Mapping[str, Any]) -> Score:
        """The score by which things are ranked.

        Args:
            row: A thing's scores.

        Raises:
            ValueError: If the row holds none of `ranked`.
        """
        for name in self.ranked:
            if name in row:
                return next(score for score in self.scores if score.name == name)
        raise ValueError(f"a row must hold one of {', '.join(self.ranked)}, got {', '.join(row)}")
