import gzip
import importlib
import json
import random

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from custom.checks import RequestError


@pytest.fixture
def scripts(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return importlib.import_module("damaged"), importlib.import_module("mutations")


@pytest.fixture
def real(tmp_path):
    """A picture, its mask, and a volume."""
    picture = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    Image.fromarray((picture[..., 0] > 99).astype(np.uint8)).save(tmp_path / "a_anno.png")
    (tmp_path / "images").mkdir()
    nib.save(nib.Nifti1Image(picture.astype(np.int16), np.eye(4)), tmp_path / "images" / "v.nii.gz")
    return tmp_path


def test_every_change_changes_and_the_same_seed_changes_the_same(scripts, real):
    damaged, _ = scripts
    path = real / "images" / "v.nii.gz"
    found = [damaged.change(path, random.Random(seed))[0] for seed in (1, 1, 2, 3, 4, 5)]
    assert found[0] == found[1]
    whole = path.read_bytes()
    assert all(one not in (whole, gzip.compress(gzip.decompress(whole), 1)) for one in found)


def test_a_word_keeps_json_json(scripts, real):
    damaged, _ = scripts
    for seed in range(20):
        data = bytearray(b'{"a": [1, {"b": "c"}], "d": 2.5}')
        damaged._put_word(data, random.Random(seed))
        if b"[[[[" not in data:  # deeper than Python reads
            json.loads(data)


def test_outcomes_are_told_apart(scripts):
    _, mutations = scripts

    def wrapped():
        try:
            raise RequestError("a.png: is broken")
        except RequestError as error:
            raise RuntimeError("a component failed") from error

    def two_lines():
        raise RequestError("a\nb")

    assert mutations._outcome(lambda: None) == ("fine", "")
    assert mutations._outcome(wrapped) == ("refused", "a.png: is broken")
    assert mutations._outcome(two_lines)[0] == "foreign"
    assert mutations._outcome(lambda: 1 / 0)[0] == "foreign"


def test_a_few_changed_files(scripts, real, tmp_path, monkeypatch):
    _, mutations = scripts
    monkeypatch.setattr("resource.setrlimit", lambda *_: None)
    monkeypatch.setattr("logging.disable", lambda *_: None)
    monkeypatch.setattr(mutations, "KINDS", ("picture", "mask", "split"))
    with pytest.raises(SystemExit) as ended:
        mutations.main(str(real), to=str(tmp_path / "out.json"), number=3)
    assert ended.value.code == 0
    report = json.loads((tmp_path / "out.json").read_text())
    assert sum(sum(one.values()) for one in report["counts"].values()) == 3 + 2 + 1
