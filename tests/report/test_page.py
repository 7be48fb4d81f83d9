import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from custom.metrics import gate_moments
from custom.report.findings import Case, Findings
from custom.report.glands.page import GLANDS
from custom.report.page import report_page

EVIL = "<script>alert('x')</script>\"&"


class _Page(HTMLParser):
    """Checks that tags close in order; keeps texts and what is linked."""

    VOID = ("meta", "img", "br")

    def __init__(self, page):
        super().__init__()
        self.open, self.links, self.texts, self.tags = [], [], [], set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "srcset", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.texts.append(text)


def _row(name, dice, patient="7"):
    return {"id": name, "patient": patient, "dice": dice, "jaccard": 0.5, "object_f1": 0.9, "object_dice": dice,
            "object_hausdorff_px": 40.0, "object_hausdorff_um": 24.8, "hd95_um": 5.0, "asd_um": 1.0, "glands": 3,
            "predicted": 4}  # fmt: skip


RECORD = {"command": f"run {EVIL}", "seed": 0, "checkpoint_sha256": "ab12", "commit": "c0ffee", "dirty": True,
          "versions": {"torch": "2.13"}, "config": {"note": EVIL}}  # fmt: skip


def _findings(rows, section="testA", patients=2, **more):
    names = [name for name, value in rows[0].items() if isinstance(value, float)]
    scores = {n: {"mean": float(np.mean([row[n] for row in rows])), "low": 0.41, "high": 0.87} for n in names}
    group = {"images": len(rows), "patients": patients, "scores": scores, "pooled": {"mdice": 0.777}}
    given = {"cases": []} | more
    return Findings(GLANDS, rows, {}, {section: group}, {section: rows}, **given)


@pytest.fixture(scope="module")
def page():
    rows = [_row("one", 0.6), _row("two", 0.8), _row(EVIL, 0.7, EVIL)]
    picture = np.random.default_rng(0).integers(0, 255, (30, 50, 3)).astype(np.uint8)
    history = [{"step": 10.0, "supervised/mask": 2.0}, {"step": 20.0, "supervised/mask": 1.0}]
    cases = [Case("worst", rows[0], picture, picture), Case("median", rows[2], picture, picture)]
    use = {"mask": gate_moments(torch.full((3, 3), 1 / 3))}
    return report_page(_findings(rows, cases=cases, gate_use=use), RECORD, history)


def test_page_is_whole_and_needs_nothing_else(page):
    parsed = _Page(page)
    assert parsed.open == []
    assert len(parsed.links) == 7  # two cases of two pictures, scores, gates, curves
    assert all(re.match(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/]+=*$", link) for link in parsed.links)
    assert not re.search(r"https?://|url\(|@import", page)
    assert not parsed.tags & {"script", "link", "iframe", "object"}


def test_texts_are_escaped(page):
    parsed = _Page(page)
    assert "<script" not in page
    # in the caption, in the table (name and patient), in the command and in the config
    assert sum(EVIL in text for text in parsed.texts) >= 4
    assert "median: " in page.lower()


def test_numbers_and_warnings_are_there(page):
    text = re.sub(r"\s+", " ", " ".join(_Page(page).texts))
    # (0.6 + 0.8 + 0.7) / 3
    assert "Object Dice 0.700 95 % interval 0.410 to 0.870" in text
    assert "mDice, pooled 0.777" in text
    assert "3 images, 2 patients. 95 % intervals: bootstrap over patients. With so few patients they are rough." in text
    assert "the gate stays at the average, 1/3 each" in text
    assert "Not for diagnosis" in text
    assert "c0ffee, with changes that were not committed" in text
    # every image, worst first
    rows = re.findall(r'<tr><td class="left">(one|two)</td><td class="left">7</td>', page)
    assert rows == ["one", "two"]


def test_an_evaluation_of_pixels_alone_has_a_page_too():
    rows = [{"id": "a", "patient": "", "dice": 0.5, "jaccard": 0.3}]
    page = report_page(_findings(rows, patients=None), RECORD)
    text = " ".join(_Page(page).texts)
    assert "1 image, patients not known" in text
    assert "bootstrap over images" in text
    assert "Object" not in text.replace("Object scores as defined", "")


def test_a_section_name_is_escaped_too():
    rows = [_row("a", 0.5)]
    assert "<script" not in report_page(_findings(rows, EVIL), RECORD)


def test_what_is_not_known_of_a_run_has_no_line():
    text = " ".join(_Page(report_page(_findings([_row("a", 0.5)]), {"seed": 0, "commit": None, "versions": {}})).texts)
    assert "Seed" in text
    assert not re.search("Commit|Checkpoint|Versions|with changes", text)
    assert "Training" not in text
