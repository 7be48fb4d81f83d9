"""Real commands that are refused in one line, with nothing written; and the corrected command, which runs."""

import os
import signal
import subprocess
import sys

import pytest
from monai.bundle import ConfigWorkflow

from tests.bundle.refusal import refused

QUICK = ["--crop_px", "64", "--batch_size", "2", "--unlabelled_batch_size", "2", "--views", "1"]
QUICK += ["--pretrained", "False", "--steps_per_epoch", "1", "--max_epochs", "1"]


def run(folder, *words, module="monai.bundle"):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    line = [sys.executable, "-m", module, *map(str, words)]
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def look(repository, monkeypatch, tmp_path):
    """What the door of `inference.json` says to options whose values a config can tell alone."""

    def asked(*words):
        config = str(repository / "bundle" / "configs" / "inference.json")
        argv = ["/x/monai/bundle/__main__.py", "run", "--config_file", config, *words]
        monkeypatch.setattr(sys, "argv", argv)
        workflow = ConfigWorkflow(config, init_id="door", logging_file=False, **{words[0][2:]: words[1]})
        hook, handler = sys.excepthook, signal.getsignal(signal.SIGTERM)
        try:
            workflow.initialize()
        finally:
            sys.excepthook = hook
            signal.signal(signal.SIGTERM, handler)

    return asked


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--min_area_um2", "$-5"], "--min_area_um2: found -5, wanted a number from 0"),
        (["--views", "@mpp"], "--views: found 0.62, wanted 1, 2 or 8"),
        (["--views", "@nosuch"], "--views: found '@nosuch', wanted 1, 2 or 8"),
        (["--mpp", "$nosuch"], "found '$nosuch', which MONAI runs as Python: it fails (name 'nosuch' is not defined)"),
        (["--dataset_dir", "$HOME/x"], "found '$HOME/x', which MONAI runs as Python: it fails (name 'HOME' is not"),
        (["--dataset_dir", "$1 + 1"], "--dataset_dir: found 2, wanted text"),
    ],
)
def test_what_an_expression_of_a_users_stands_for_is_checked(look, words, line):
    with pytest.raises(RuntimeError) as caught:
        look(*words)
    assert line in str(caught.value.__cause__)


@pytest.mark.parametrize(("name", "value"), [("--dataset_dir", "$@bundle_root"), ("--views", "$1 + 1")])
def test_expressions_that_fit_are_taken(look, name, value):
    look(name, value)


def test_after_a_mistake_the_corrected_command_trains(repository, dataset, tmp_path):
    where = ("--dataset_dir", dataset, "--output_dir", tmp_path / "run", *QUICK)
    train = ("run", "training", "--config_file", "./configs/train.json", *where)
    bundle = repository / "bundle"
    assert "found 'agreemnt', wanted none, confidence or agreement" in refused(
        run(bundle, *train, "--weighing", "agreemnt")
    )
    assert "no such checkpoint file" in refused(run(bundle, *train, "--init_path", "models/gone.pt"))
    # a component's own argument, which has no range
    said = refused(run(bundle, *train, "--objective_optimizer#lr", "-1"))
    assert "--objective_optimizer#lr -1: torch.optim.Adam does not take it (ValueError: Invalid learning rate" in said
    assert not (tmp_path / "run" / "run.json").exists()
    done = run(bundle, *train)
    assert done.returncode == 0, done.stderr[-2000:]
    assert {"run.json", "last.pt"} <= {path.name for path in (tmp_path / "run").iterdir()}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--dataset_dir", "tiles#2", "--output_dir", "out"], "found 'tiles#2', wanted a path without #"),
        (["--dataset_dir", "", "--output_dir", "out"], "--dataset_dir: found nothing, wanted a path"),
        (["--dataset_dir", "tiles", "--output_dir", "out", "--device", "cuda:0"], "found 'cuda:0', wanted cpu"),
    ],
)
def test_nothing_is_segmented_on_a_guess(repository, folder_source, tmp_path, words, line):
    for name in ("tiles", "tiles#2"):
        (tmp_path / name).symlink_to(folder_source / "images")
    config = repository / "bundle" / "configs" / "inference.json"
    assert line in refused(run(tmp_path, "run", "--config_file", config, *words, "--views", "1"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiles", "tiles#2"]


@pytest.mark.parametrize("words", [["--source", ""], ["--source"], ["--source", " "], ["--source="]])
def test_nothing_is_prepared_from_an_empty_variable(tmp_path, words):
    done = run(tmp_path, "prepare", "folder", "--output", "out", "--mpp", "0.5", *words, module="custom")
    assert refused(done) == "error: --source: found nothing, wanted a value (is a shell variable empty?)"
    assert not list(tmp_path.iterdir())
