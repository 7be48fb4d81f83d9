"""The long life of a run: prepared, trained, killed, gone on with, evaluated, grown and used, in any order.

Hypothesis draws the orders. Whatever comes, nothing that lies outside of a command's own output changes, what cannot be
is refused in one line and changes nothing at all, and a training that was killed ends as one that was left alone.
"""

import contextlib
import csv
import hashlib
import shutil
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from ignite.engine import Events
from monai.bundle import ConfigWorkflow

from custom.checks import RequestError

EPOCHS = 2
QUICK = {"max_epochs": EPOCHS, "steps_per_epoch": 2, "batch_size": 2, "pretrained": False}
TIMES = ("images_per_second", "data_wait")
# Where a kill comes: after so many steps, after so many weights were kept, in the middle of so many files.
MOMENTS = st.tuples(st.sampled_from(["step", "kept", "file"]), st.integers(1, 4))
FEW = {"max_examples": 3, "stateful_step_count": 6}
MANY = {"max_examples": 40, "stateful_step_count": 20}


class Killed(BaseException):
    """As sudden as can be within one process."""


class Life(RuleBasedStateMachine):
    """What both recipes have in common: a data set, and a run on it.

    Args:
        source: Data sets as a user has them, which nothing may change.
        bundle: The configs, beside which nothing may be written.
        ends: What a training that was left alone ends with, by its data; filled as it is needed.
    """

    suffix = ""

    def __init__(self, source, bundle, ends):
        super().__init__()
        self.source, self.bundle, self.ends = source, bundle, ends
        self.place = Path(tempfile.mkdtemp())
        self.data, self.run, self.out = (self.place / name for name in ("data", "run", "out"))
        self.prepared = self.begun_on = None

    def teardown(self):
        shutil.rmtree(self.place)

    @rule(moment=MOMENTS)
    def train_and_be_killed(self, moment):
        if not self.may_train():
            return
        with self.only_in(self.run), contextlib.suppress(Killed):
            train(self.flow("train", self.run, **self.options(self.run)), moment)
        self.begun_on = self.prepared

    @rule()
    def train_to_the_end(self):
        if not self.may_train():
            return
        with self.only_in(self.run):
            train(self.flow("train", self.run, **self.options(self.run)))
        self.begun_on = self.prepared
        assert end_of(self.run) == self.unbroken()
        assert_nothing_half(self.run)

    @precondition(lambda self: self.prepared and self.trained)
    @rule()
    def lose_the_data(self):
        shutil.rmtree(self.data, ignore_errors=True)
        self.prepared = None

    @precondition(lambda self: self.begun_on is not None and self.begun_on == self.prepared)
    @rule()
    def train_with_another_seed(self):
        self.refused("give another --output_dir", "train", self.run, seed=7)

    @precondition(lambda self: not self.trained)
    @rule()
    def use_what_is_not_there(self):
        self.refused("no ", "evaluate", self.run)
        self.refused("no such checkpoint", "inference", self.out)

    @precondition(lambda self: self.trained)
    @rule()
    def evaluate(self):
        if self.prepared is None:
            self.refused("no datalist.json", "evaluate", self.run)
            return
        with self.only_in(self.run / "evaluation_test"):
            go(self.flow("evaluate", self.run))
        assert (self.run / "evaluation_test" / "report.html").is_file()

    @precondition(lambda self: self.trained)
    @rule()
    def infer(self):
        with self.only_in(self.out):
            go(self.flow("inference", self.out))
        assert list(self.out.glob("*.csv"))

    @property
    def trained(self):
        return (self.run / "last.pt").is_file()

    def may_train(self):
        """Whether it may; where it may not, that it is refused."""
        if self.prepared is None:
            self.refused("no datalist.json", "train", self.run)
        elif self.begun_on not in (None, self.prepared):
            self.refused("give another --output_dir", "train", self.run)
        else:
            return True
        return False

    def flow(self, kind, output, **options):
        names = ["train", "evaluate"] if kind == "evaluate" else [kind]
        files = [str(self.bundle / "configs" / f"{name}{self.suffix}.json") for name in names]
        options = {**self.options(output, kind), "output_dir": str(output), **options}
        return ConfigWorkflow(files, logging_file=False, workflow_type="train", **options)

    def refused(self, words, kind, output, **options):
        with self.only_in():
            with pytest.raises(Exception) as caught:  # noqa: PT011 - MONAI's own wraps it
                go(self.flow(kind, output, **options))
            link = caught.value
            while link is not None and not isinstance(link, RequestError):
                link = link.__cause__
            assert link is not None, caught.value
            assert words in str(link)
            assert "\n" not in str(link)

    @contextlib.contextmanager
    def only_in(self, *outputs):
        """Whatever changes lies below one of the outputs."""
        places = (self.source, self.place, self.bundle, Path.cwd())
        before = content_of(*places)
        yield
        after = content_of(*places)
        changed = [path for path in before.keys() | after.keys() if before.get(path) != after.get(path)]
        assert all(any(path.is_relative_to(output) for output in outputs) for path in changed), changed

    def unbroken(self):
        if self.prepared not in self.ends:
            place = self.place / "unbroken"
            train(self.flow("train", place, **self.options(place)))
            self.ends[self.prepared] = end_of(place)
            shutil.rmtree(place)
        return self.ends[self.prepared]


def go(flow):
    flow.initialize()
    flow.run()
    flow.finalize()


def train(flow, moment=None):
    """To the end, or to the moment when it is killed, if the training lasts that long."""
    flow.initialize()
    trainer = flow.parser.get_parsed_content("train#trainer")
    with contextlib.ExitStack() as stack:
        if moment is not None:
            kind, number = moment
            event = {"step": Events.ITERATION_COMPLETED, "kept": Events.EPOCH_COMPLETED}.get(kind)
            if event is None:
                stack.enter_context(half_a_file(number))
            else:
                trainer.add_event_handler(event(once=number), kill)
        flow.run()
    flow.finalize()


def kill(_):
    raise Killed


@contextlib.contextmanager
def half_a_file(number):
    """The so many-th file of tensors is begun and not ended."""
    whole, left = torch.save, [number]

    def save(content, path):
        left[0] -= 1
        if left[0]:
            return whole(content, path)
        Path(path).write_bytes(b"PK half a file")
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "save", save)
        yield


def content_of(*places):
    """Path to hash, of all files."""
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def end_of(run):
    """A hash of the weights and of the optimiser, and the history but for times."""
    digest = hashlib.sha256()
    for name in ("last.pt", "best.pt", "checkpoint.pt"):
        content = torch.load(run / name, weights_only=True)
        add_to(digest, content.get("model", content))
    with open(run / "history.csv", newline="") as file:
        rows = [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(file)]
    assert [row["epoch"] for row in rows] == [str(epoch + 1) for epoch in range(EPOCHS)]
    return digest.hexdigest(), rows


def add_to(digest, content):
    if isinstance(content, dict):
        for key, value in content.items():
            digest.update(str(key).encode())
            add_to(digest, value)
    elif isinstance(content, list | tuple):
        for value in content:
            add_to(digest, value)
    else:
        digest.update(content.numpy().tobytes() if isinstance(content, torch.Tensor) else repr(content).encode())


def assert_nothing_half(run):
    assert not [path for path in run.iterdir() if path.name.startswith((".", "tmp"))]


def live(born, life, source, **size):
    long = settings(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck), **size)
    run_state_machine_as_test(lambda: born(life, source), settings=long)
