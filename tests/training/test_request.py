import pytest

from custom.checks import RequestError
from custom.training import request


def test_options_that_have_no_effect_are_refused():
    request.not_given("it is trained", routing=None, pretrained=None)
    with pytest.raises(
        RequestError, match=r"^found --routing top_k, --pretrained False, wanted it left out: it is trained$"
    ):
        request.not_given("it is trained", routing="top_k", gate=None, pretrained=False)


def test_a_process_that_torchrun_did_not_start_is_refused(monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("LOCAL_RANK", "0")
    request.from_torchrun()
    monkeypatch.delenv("LOCAL_RANK")
    with pytest.raises(RequestError, match="wanted: torchrun"):
        request.from_torchrun()
