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


def test_what_a_phase_does_not_use_is_refused():
    request.not_used("the first phase", router_z=None, load_balance=None)
    with pytest.raises(RequestError, match=r"^found --router_z 0.5, wanted it left out: the first phase does not"):
        request.not_used("the first phase", router_z=0.5, load_balance=None)
