import pytest

from custom.checks import RequestError
from custom.training import request


def test_options_of_a_network_that_is_trained_are_refused():
    request.not_given(routing=None, pretrained=None)
    with pytest.raises(RequestError, match="found --routing top_k, --pretrained False, wanted it left out"):
        request.not_given(routing="top_k", gate=None, pretrained=False)


def test_a_process_that_torchrun_did_not_start_is_refused(monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("LOCAL_RANK", "0")
    request.from_torchrun()
    monkeypatch.delenv("LOCAL_RANK")
    with pytest.raises(RequestError, match="wanted: torchrun"):
        request.from_torchrun()
