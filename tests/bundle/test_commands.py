"""The real commands: refusals, kills, several processes."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from tests.bundle.refusal import refused

QUICK = ["--crop_px", "64", "--batch_size", "2", "--unlabelled_batch_size", "2", "--views", "1"]
QUICK += ["--pretrained", "False", "--steps_per_epoch", "2"]


@pytest.fixture(scope="module")
def bundle(repository):
    return repository / "bundle"


def command(*arguments):
    return [sys.executable, "-m", "monai.bundle", "run", *map(str, arguments)]


def environment(**more):
    return os.environ | {"OMP_NUM_THREADS": "1"} | more


def run(folder, *arguments, **more):
    return subprocess.run(command(*arguments), cwd=folder, env=environment(**more), capture_output=True, text=True)


def test_a_misspelt_option_is_refused_before_anything_is_written(bundle, dataset, tmp_path):
    where = ("--dataset_dir", dataset, "--output_dir", tmp_path / "run")
    done = run(bundle, "training", "--config_file", "configs/train.json", *where, "--epohcs", "1")
    assert "epohcs" in refused(done)
    assert not (tmp_path / "run").exists()


def test_a_directory_that_is_no_data_set_and_one_that_holds_another_run_are_refused(bundle, dataset, tmp_path):
    done = run(bundle, "training", "--config_file", "configs/train.json", "--dataset_dir", tmp_path)
    assert "no datalist.json" in refused(done)
    (tmp_path / "run.json").write_text('{"identity": {"data": "elsewhere"}}')
    (tmp_path / "last.pt").touch()
    where = ("--dataset_dir", dataset, "--output_dir", tmp_path)
    done = run(bundle, "training", "--config_file", "configs/train.json", *where, *QUICK)
    assert "give another --output_dir" in refused(done)


def test_a_folder_of_images_that_cannot_be_read_is_refused_and_a_part_is_not(bundle, folder_source, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "broken.png").write_bytes(b"nope")
    where = ("--dataset_dir", tmp_path / "images", "--output_dir", tmp_path / "out", "--views", "1")
    assert "broken.png" in refused(run(bundle, "--config_file", "configs/inference.json", *where))
    good = next((folder_source / "images").iterdir())
    (tmp_path / "images" / "good.png").write_bytes(good.read_bytes())
    done = run(bundle, "--config_file", "configs/inference.json", *where)
    assert done.returncode == 1, done.stderr[-2000:]
    assert "broken.png" in done.stderr + done.stdout
    assert (tmp_path / "out" / "good_mask.png").is_file()


def test_from_any_directory_without_arguments_it_trains_on_the_synthetic_set(bundle, tmp_path):
    options = ("--output_dir", tmp_path / "run", "--max_epochs", 1, *QUICK)
    done = run(
        tmp_path, "--config_file", bundle / "configs" / "train.json", *options, XDG_CACHE_HOME=str(tmp_path / "cache")
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "synthetic" in done.stderr + done.stdout
    assert (tmp_path / "run" / "last.pt").is_file()


def epochs_done(folder):
    path = folder / "history.csv"
    return len(path.read_text().splitlines()) - 1 if path.is_file() else 0


def test_killed_twice_it_ends_with_the_same_weights_to_the_bit(bundle, dataset, tmp_path):
    def arguments(name):
        where = ("--dataset_dir", dataset, "--output_dir", tmp_path / name, "--max_epochs", 5, *QUICK)
        return ("training", "--config_file", "configs/train.json", *where)

    for kill_after in (1, 3):
        process = subprocess.Popen(
            command(*arguments("killed")), cwd=bundle, env=environment(), stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 200
        while epochs_done(tmp_path / "killed") < kill_after and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "the training ended before it was killed"
    for name in ("killed", "whole"):
        assert run(bundle, *arguments(name)).returncode == 0
    killed, whole = (
        torch.load(tmp_path / name / "last.pt", weights_only=True)["model"] for name in ("killed", "whole")
    )
    assert all(torch.equal(killed[name], whole[name]) for name in whole)
    assert epochs_done(tmp_path / "killed") == epochs_done(tmp_path / "whole") == 5


def on_two_processes(bundle, files, *arguments):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]
    line = [*torchrun, *command("training", "--config_file", files, *arguments)[1:]]
    return subprocess.run(line, cwd=bundle, env=environment(), capture_output=True, text=True)


def test_two_processes_train_together(bundle, dataset, tmp_path):
    files = "['configs/train.json','configs/multi_gpu_train.json']"
    where = ["--dataset_dir", dataset, "--output_dir", tmp_path / "run", "--max_epochs", "1"]
    done = on_two_processes(bundle, files, *where, *QUICK)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {"last.pt", "checkpoint.pt", "run.json", "history.csv"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }


@pytest.mark.parametrize("suffix", ["", "_organ"])
def test_several_processes_without_torchrun_are_refused(bundle, dataset, tmp_path, suffix):
    files = f"['configs/train{suffix}.json','configs/multi_gpu_train.json']"
    where = ("--dataset_dir", dataset, "--output_dir", tmp_path / "run")
    assert "wanted: torchrun" in refused(run(bundle, "training", "--config_file", files, *where))
    assert not (tmp_path / "run").exists()


# Of each data set's images alone, some experts and heads see none.
@pytest.mark.parametrize("routing", ["soft", "top_k"])
def test_two_processes_train_organs_together(bundle, dataset_dirs, tmp_path, routing):
    files = "['configs/train_organ.json','configs/multi_gpu_train.json']"
    where = ["--dataset_dirs", dataset_dirs, "--output_dir", tmp_path / "run", "--routing", routing]
    quick = ["--max_epochs", "1", "--steps_per_epoch", "2", "--crop_px", "32", "--batch_size", "1"]
    done = on_two_processes(bundle, files, *where, *quick, "--pretrained", "False")
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "run" / "last.pt").is_file()


def test_organs_of_what_is_no_data_set_of_volumes_are_refused(bundle, dataset, dataset_dirs, tmp_path):
    train = ("training", "--config_file", "configs/train_organ.json", "--output_dir", tmp_path / "run")
    assert "found no modalities" in refused(run(bundle, *train, "--dataset_dirs", [str(dataset)]))
    assert "did you mean --routing" in refused(run(bundle, *train, "--dataset_dirs", dataset_dirs, "--rooting", "soft"))
    assert not (tmp_path / "run" / "run.json").exists()
