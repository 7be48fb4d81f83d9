"""Parts of a page: numbers, tables, pictures; each gives HTML."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

# Shown no wider than the page: larger pictures are made smaller.
_MOST_PX = 1100


def number(value: float | None, unit: str = "") -> str:
    """A score without its unit: three decimals of a share, one of a distance; `n/a` where there is none.

    Args:
        value: The score.
        unit: Empty for a share.
    """
    return "n/a" if value is None or not np.isfinite(value) else f"{value:.1f}" if unit else f"{value:.3f}"


def value_cells(found: Mapping[str, float], unit: str = "") -> str:
    """Two cells: the mean, and its interval where there is one.

    Args:
        found: `mean`, and perhaps `low` and `high`.
        unit: Of the score.
    """
    low, high = found.get("low"), found.get("high")
    interval = f"{number(low, unit)} to {number(high, unit)}" if low is not None and high is not None else ""
    return f"<td><b>{number(found['mean'], unit)}</b></td><td>{interval}</td>"


def table(headings: Sequence[tuple[str, str]], lines: Iterable[str], left: int = 1) -> str:
    """A table that scrolls where the page is too narrow for it.

    Args:
        headings: Of each column, with what stands small below it (a unit; where any has one).
        lines: Rows, as HTML.
        left: How many columns of words there are, at the left.
    """
    small = any(below for _, below in headings)
    head = ""
    for column, (above, below) in enumerate(headings):
        words = ' class="left"' if column < left else ""
        unit = f"<small>{escape(below) or '&nbsp;'}</small>" if small else ""
        head += f"<th{words}>{escape(above)}{unit}</th>"
    body = "".join(lines)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def figure_block(figure: Figure, alt: str, caption: str = "") -> str:
    """A figure as wide as the page.

    Args:
        figure: As matplotlib has it.
        alt: What it shows, for those who do not see it.
        caption: Stands below.
    """
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=130)
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure class="wide"><img alt="{escape(alt)}" src="{_data("png", file)}">{below}</figure>'


def photograph(image: np.ndarray, alt: str) -> str:
    """A picture as JPEG, whose loss is not seen and which is a tenth of the size.

    Args:
        image: uint8 (h, w, 3).
        alt: What it shows.
    """
    file = io.BytesIO()
    shown = Image.fromarray(image)
    shown.thumbnail((_MOST_PX, _MOST_PX))
    shown.save(file, format="JPEG", quality=88, subsampling=0)
    return f'<img alt="{escape(alt)}" src="{_data("jpeg", file)}">'


def _data(kind: str, file: io.BytesIO) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
