"""A long loop says how far it is where there is no terminal."""

import pickle

from custom.data import progress
from custom.data.shown_cache import ShownCacheDataset


def test_a_line_every_twenty_seconds(monkeypatch, capsys):
    now = iter(range(0, 1000, 7))  # each look at the clock is 7 s later
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    assert list(progress.progress(list("abcdefg"), "checking images", "image")) == list("abcdefg")
    # Begun at 0; steps end at 7, 14, 21 (said), 28, 35, 42 (said), 49. 21 s of 3 steps: 7 s for each of the 4 left.
    assert capsys.readouterr().err.splitlines() == [
        "checking images: 3 of 7 images, 0.5 min left",
        "checking images: 6 of 7 images, 0.1 min left",
    ]


def test_what_is_quick_says_nothing(capsys):
    assert list(progress.progress(range(5), "checking", "image")) == list(range(5))
    assert capsys.readouterr().err == ""


def test_what_is_cached_is_counted_and_goes_to_other_processes(monkeypatch, capsys):
    now = iter(range(0, 1000, 15))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    dataset = ShownCacheDataset([{"image": number} for number in range(4)], thing="volume")
    # Begun at 0; steps end at 15, 30 (said), 45, 60 (the last).
    assert capsys.readouterr().err.splitlines() == ["loading volumes: 2 of 4 volumes, 0.5 min left"]
    assert [item["image"] for item in pickle.loads(pickle.dumps(dataset))] == [0, 1, 2, 3]
