import pytest
import timing
import torch


def test_work_takes_turns_and_the_first_round_is_not_timed(monkeypatch):
    clock, done = [100.0], []
    spent = {"a": iter([50.0, 1.0, 2.0]), "b": iter([60.0, 3.0, 5.0])}
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])

    def work(case):
        done.append(case)
        clock[0] += next(spent[case])

    seconds = timing.take_turns({case: lambda case=case: work(case) for case in spent}, repeats=2)
    assert done == ["a", "b"] * 3
    assert seconds == {"a": [1.0, 2.0], "b": [3.0, 5.0]}


@pytest.mark.skipif(torch.cuda.is_available(), reason="names the GPU where there is one")
def test_a_processor_is_named_with_its_threads():
    assert timing.machine() == f"CPU, {torch.get_num_threads()} threads"
