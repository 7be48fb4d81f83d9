import hashlib
import json
import logging
import re
import tarfile

import pytest
from monai.bundle import ConfigParser

from custom.checks import RequestError
from custom.checks.command_line import merged_config
from custom.data.tiles import TileSet
from custom.data.volumes import VolumeSets
from custom.files import sha256
from custom.networks import M4oE, SemiMoE, SharedEncoder
from custom.report import run_record as module
from custom.report.run_record import begin, check_same_run, end, run_record

IDENTITY = {"data": "/data/glas", "network": {"features": 32, "gate": "image"}}


def test_record_holds_what_the_run_was_started_with(monkeypatch):
    monkeypatch.setattr("sys.argv", ["run", "--output_dir", "my runs"])
    record = run_record({"seed": 3, "path": module}, 3, IDENTITY)
    assert record["command"] == "run --output_dir 'my runs'"
    assert record["identity"] == {**IDENTITY, "seed": 3, "settings": {"seed": 3, "path": str(module)}}
    assert {"python", "torch", "monai", "numpy", "pytorch-ignite"} <= set(record["versions"])
    assert record["machine"]["cpus"] >= 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", record["started"])
    json.dumps(record, allow_nan=False)


def test_commit_is_that_of_the_checkout_the_file_is_tracked_in(monkeypatch):
    answers = {"ls-files": "run_record.py", "rev-parse": "abc123", "status": " M x.py"}
    monkeypatch.setattr(module, "_git", lambda folder, *words: answers[words[0]])
    assert (run_record()["commit"], run_record()["dirty"]) == ("abc123", True)
    # Installed below somebody else's checkout: git does not know the file.
    monkeypatch.setattr(module, "_git", lambda folder, *words: None if words[0] == "ls-files" else "theirs")
    assert (run_record()["commit"], run_record()["dirty"]) == (None, None)


def begun(folder, record):
    """A run whose first epoch is over."""
    begin(folder, record)
    (folder / "checkpoint.pt").touch()


def test_the_same_run_goes_on_and_another_is_refused(tmp_path):
    record = run_record({}, 3, IDENTITY)
    check_same_run(tmp_path, record)
    begun(tmp_path, record)
    check_same_run(tmp_path, record)
    check_same_run(tmp_path, run_record({"max_epochs": 500}, 3, IDENTITY))
    for seed, identity, words in (
        (4, IDENTITY, "found a run with seed 3, wanted seed 4"),
        (3, IDENTITY | {"data": "/data/crag"}, "data /data/glas, wanted data /data/crag"),
        (
            3,
            IDENTITY | {"network": {"features": 32, "gate": "pixel"}},
            r"{'gate': 'image'}, wanted network {'gate': 'pixel'}",
        ),
    ):
        with pytest.raises(RequestError, match=f"{words}; give another --output_dir"):
            check_same_run(tmp_path, run_record({}, seed, identity))


def test_other_settings_are_another_run(tmp_path):
    begun(tmp_path, run_record({"learning_rate": 0.001, "device": "cpu"}, 3, IDENTITY))
    check_same_run(tmp_path, run_record({"learning_rate": 0.001, "device": "cuda"}, 3, IDENTITY))
    with pytest.raises(RequestError, match=r"{'learning_rate': 0.001}, wanted settings {'learning_rate': 0.1}"):
        check_same_run(tmp_path, run_record({"learning_rate": 0.1, "device": "cpu"}, 3, IDENTITY))


def test_of_the_same_release_the_whole_config_is_compared(tmp_path):
    config = {"step": {"decay": 0.9}, "rate": "$lambda step: 1.0", "views": 2}
    begun(tmp_path, run_record(config, 3, IDENTITY))
    check_same_run(tmp_path, run_record(dict(reversed(config.items())), 3, IDENTITY))
    for other in ({"step": {"decay": 0.8}}, {"rate": "$lambda step: 0.5"}, {"new": 1}, {"step#decay": 0.9}):
        with pytest.raises(RequestError, match="found a run with settings"):
            check_same_run(tmp_path, run_record(config | other, 3, IDENTITY))
    with pytest.raises(RequestError, match=r"{'views': 2}, wanted settings {'views': None}"):
        check_same_run(tmp_path, run_record({**config, "views": None}, 3, IDENTITY))


def spelt(monkeypatch, *words):
    """The merged config of MONAI's command line as a user spelt it."""
    monkeypatch.setattr("sys.argv", ["/x/monai/bundle/__main__.py", "run", *words])
    return merged_config()


def test_how_a_command_is_spelt_does_not_make_another_run(tmp_path, monkeypatch, repository):
    file = repository / "bundle" / "configs" / "train.json"
    spellings = [
        ("training", "--config_file", str(file), "--amp", "True"),
        ("--config_file", f"['{file}']", "--amp", "True"),
        ("--run_id", "training", "--config_file", str(file), "--amp=True", "--max_epochs", "30", "--output_dir", "x"),
    ]
    monkeypatch.chdir(file.parent.parent)
    spellings.append(("--config_file", "configs/train.json", "--amp", "True"))
    records = [run_record(spelt(monkeypatch, *words), 3, IDENTITY) for words in spellings]
    assert records[0]["identity"]["settings"]["amp"] is True
    begun(tmp_path, records[0])
    for record in records[1:]:
        check_same_run(tmp_path, record)
    with pytest.raises(RequestError, match="settings"):
        check_same_run(tmp_path, run_record(spelt(monkeypatch, *spellings[0][:3]), 3, IDENTITY))


def test_of_another_release_only_plain_settings_that_both_know_are_compared(tmp_path, monkeypatch, caplog):
    identity = IDENTITY | {"network": {"routing": "soft"}}
    theirs = {
        "views": 2, "rate": 0.1, "gone": 1, "text": "soft", "call": "$a()", "link": "@rate", "scale": [1, 2],
        "step": {"decay": 0.9}, "kind": 5, "config_file": "a.json", "run_id": "training",
    }  # fmt: skip
    ours = {
        "views": 2, "rate": 0.1, "new": 1, "text": "soft", "call": "$b()", "link": "@views", "scale": [3, 4],
        "step": {"decay": 0.8}, "kind": "$c()", "config_file": "b.json", "run_id": "other",
    }  # fmt: skip
    monkeypatch.setattr(module, "__version__", "0.1.9")
    begun(tmp_path, run_record(theirs, 3, identity))
    monkeypatch.undo()
    with caplog.at_level(logging.INFO):
        check_same_run(tmp_path, run_record(ours, 3, identity))
    # views, rate and text
    assert "begun by release 0.1.9: of its settings, 3 are compared" in caplog.text
    for name, value in {"views": 8, "rate": 0.2, "text": "top_k"}.items():
        with pytest.raises(RequestError, match=rf"settings {{'{name}': .+}}, wanted settings {{'{name}': "):
            check_same_run(tmp_path, run_record({**ours, name: value}, 3, identity))
    with pytest.raises(RequestError, match="seed 3, wanted seed 4"):
        check_same_run(tmp_path, run_record(ours, 4, identity))


def test_what_another_release_was_given_along_a_path_is_compared_under_its_present_name(tmp_path, monkeypatch):
    identity = IDENTITY | {"network": {"routing": "soft"}}
    theirs = {"balance": 0.1, "loss#balance": 0.0, "optimizer#weight_decay": 0.5, "unlabelled#dataset#data": []}
    ours = {"load_balance": 0.1, "loss#class_balance": 0.0, **{name: theirs[name] for name in list(theirs)[2:]}}
    monkeypatch.setattr(module, "__version__", "0.1.9")
    begin(tmp_path, run_record(theirs, 3, identity))
    (tmp_path / "last.pt").touch()  # an epoch was finished
    monkeypatch.undo()
    check_same_run(tmp_path, run_record(ours, 3, identity))
    for changed in (
        {"load_balance": 0.2}, {"loss#class_balance": 1.0}, {"optimizer#weight_decay": None},
        {"unlabelled#dataset#data": None}, {"network_def#drop_path": 0.4},
    ):  # fmt: skip
        with pytest.raises(RequestError, match=f"settings {{'{next(iter(changed))}'"):
            check_same_run(tmp_path, run_record({**ours, **changed}, 3, identity))


@pytest.fixture
def left_by_0_1_0(recipe, repository, tmp_path):
    """What 0.1.0 left of a recipe's run, with its data."""
    with tarfile.open(repository / "tests" / "fixtures" / f"0.1.0_{recipe}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def gland_request(folder, **changed):
    """What a training asks for that goes on where 0.1.0 left off."""
    asked = {"steps_per_epoch": 1, "crop_px": 64, "batch_size": 2, "unlabelled_batch_size": 2, "views": 1} | changed
    network = SemiMoE(SharedEncoder(pretrained=False, expert_count=1), expert_outputs=[[]], gate="image")
    return asked, network, TileSet(folder / "data").fingerprint


def organ_request(folder, **changed):
    data = VolumeSets([str(folder / "synthetic_ct"), str(folder / "synthetic_mr")])
    small = {"stem": "patch", "embed": 24, "depths": [1, 1], "heads": [2, 2]}
    network = M4oE(data.tasks, **small, window=5, pretrained=False)
    asked = {"steps_per_epoch": 1, "crop_px": 32, "batch_size": 2, "pretrained": False}
    asked |= {f"network_def#{name}": value for name, value in small.items()} | changed
    return asked, network, data.fingerprint


REQUESTS = {"gland": ("train", gland_request), "organ": ("train_organ", organ_request)}


def record_of(recipe, repository, folder, seed=0, data=None, network=None, **changed):
    name, asked = REQUESTS[recipe]
    options, built, fingerprint = asked(folder, **changed)
    config = ConfigParser.load_config_files(str(repository / "bundle" / "configs" / f"{name}.json"))
    identity = {"data": data or fingerprint, "network": {**built.arguments, **(network or {})}}
    return run_record(config | options, seed, identity)


@pytest.mark.parametrize("recipe", REQUESTS)
def test_a_run_that_0_1_0_began_goes_on_and_another_is_refused(left_by_0_1_0, recipe, repository, caplog):
    folder, run = left_by_0_1_0, left_by_0_1_0 / "run"
    assert "release" not in json.loads((run / "run.json").read_text())

    def asked(**changed):
        return record_of(recipe, repository, folder, **changed)

    with caplog.at_level(logging.INFO):
        check_same_run(run, asked())
    assert "begun by release 0.1.0" in caplog.text
    # an expression that became a value, or is a new one, tells nothing
    check_same_run(run, asked(mpp=0.62, idle_parameters=None, max_epochs=20, num_workers=2))
    for changed, words in (
        ({"seed": 1}, "seed 0, wanted seed 1"),
        ({"data": "glas 0123456789ab"}, r"data .+, wanted data glas 0123456789ab"),
        ({"network": {"gate": "pixel"}}, r"network {'gate': '\w+'}, wanted network {'gate': 'pixel'}"),
        ({"crop_px": 96}, r"settings {'crop_px': \d+}, wanted settings {'crop_px': 96}"),
        ({"learning_rate": 0.1}, r"settings {'learning_rate': 0.001}, wanted settings {'learning_rate': 0.1}"),
    ):
        with pytest.raises(RequestError, match=f"{words}; give another --output_dir"):
            check_same_run(run, asked(**changed))
    begin(run, asked())
    end(run)
    record = json.loads((run / "run.json").read_text())
    assert len(record["restarts"]) == 1
    assert "release" not in record
    assert record["ended"] >= record["restarts"][0]["started"]


def test_start_end_and_restarts_are_kept_and_no_temporary_file_stays(tmp_path):
    first = run_record() | {"started": "2026-01-01T00:00:00+00:00", "command": "first"}
    begun(tmp_path, first)
    assert json.loads((tmp_path / "run.json").read_text())["ended"] is None
    begin(tmp_path, run_record() | {"command": "second"})
    begin(tmp_path, run_record() | {"command": "third"})
    end(tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    assert (record["started"], record["command"]) == (first["started"], "first")
    assert [restart["command"] for restart in record["restarts"]] == ["second", "third"]
    assert record["ended"] >= record["restarts"][1]["started"]
    assert first["ended"] is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pt", "run.json"]


def test_the_first_process_writes_and_all_check(tmp_path):
    record = run_record({}, 3, IDENTITY)
    begin(tmp_path, record, rank=1)
    assert not list(tmp_path.iterdir())
    begun(tmp_path, record)
    written = (tmp_path / "run.json").read_text()
    begin(tmp_path, record, rank=1)
    end(tmp_path, rank=1)
    assert (tmp_path / "run.json").read_text() == written
    for rank in (0, 1):
        with pytest.raises(RequestError, match="seed 3, wanted seed 4"):
            begin(tmp_path, run_record({}, 4, IDENTITY), rank)
    assert (tmp_path / "run.json").read_text() == written
    end(tmp_path, rank=0)
    assert json.loads((tmp_path / "run.json").read_text())["ended"] is not None


@pytest.mark.parametrize("content", ['{"identity": ', "[]"])
def test_a_record_that_cannot_be_read_is_said(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RequestError, match=r"run\.json: found"):
        begin(tmp_path, run_record({}, 3, IDENTITY))
    assert (tmp_path / "run.json").read_text() == content


def test_sha256(tmp_path):
    (tmp_path / "last.pt").write_bytes(b"weights")
    assert sha256(tmp_path / "last.pt") == hashlib.sha256(b"weights").hexdigest()
