"""What an engine logs of a refused request, with a traceback, is left out: the last line says it."""

import io
import logging
import sys

import pytest

from custom.checks import RequestError, one_line_errors


@pytest.fixture
def logged(monkeypatch):
    """What reaches the root's handler once errors are said in one line."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    monkeypatch.setattr(logging.getLogger("monai.handlers.StatsHandler"), "filters", [])
    monkeypatch.setattr(sys, "argv", ["/lib/monai/bundle/__main__.py", "run"])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    one_line_errors()
    return stream


def log(name, error):
    try:
        raise error
    except Exception:
        logging.getLogger(name).exception("the engine ends")


def test_of_a_refused_request_nothing_is_logged(logged):
    for name in ("ignite.engine", "monai.handlers.StatsHandler"):
        log(name, RequestError("the disk is full"))
    logging.getLogger("custom").error("3 of 5 failed")
    assert logged.getvalue() == "3 of 5 failed\n"


def test_any_other_error_keeps_its_traceback(logged):
    log("ignite.engine", ZeroDivisionError("by nought"))
    assert "the engine ends\nTraceback" in logged.getvalue()
