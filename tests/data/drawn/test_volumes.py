import json

import nibabel as nib
import numpy as np
import pytest

from custom.checks import RequestError
from custom.data import datalist
from custom.data.drawn import volumes as synthetic_volumes
from custom.data.drawn.volumes import DATA_SETS, default_datasets, synthesise
from custom.data.volumes import VolumeSets, declaration
from custom.data.volumes.files import Volume
from custom.data.volumes.prepare import prepare

IDS = {name: [0, *map(int, rules["labels"])] for name, rules in DATA_SETS.items()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Four volumes of each data set."""
    output = tmp_path_factory.mktemp("synthetic") / "volumes"
    synthesise(output, 4, 0)
    return output


def upright(path):
    image = nib.load(path)
    return Volume(np.asarray(image.dataobj), image.affine).upright()


def pairs(folder):
    for path in sorted((folder / "images").iterdir()):
        yield upright(path), upright(folder / "labels" / path.name)


@pytest.mark.parametrize("name", DATA_SETS)
def test_files_are_what_their_declaration_says(drawn, tmp_path, name):
    facts = declaration.read(drawn / name / synthetic_volumes.FILE)
    prepare(facts, drawn / name, tmp_path / "data")
    VolumeSets(tmp_path / "data").check()
    content = datalist.read(tmp_path / "data").sections
    assert len(content["training"]) == 4
    assert len({item["patient"] for item in content["training"]}) == (4 if name == "synthetic_ct" else 2)


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_organ_is_in_every_volume(drawn, name):
    for image, label in pairs(drawn / name):
        assert np.unique(label.values).tolist() == IDS[name]
        assert image.values.shape == label.values.shape
        assert np.allclose(image.affine, label.affine)


def test_files_state_several_orientations(drawn):
    for name in DATA_SETS:
        axes = {nib.aff2axcodes(nib.load(path).affine) for path in (drawn / name / "images").iterdir()}
        assert len(axes) >= 3


def middle(label, one, axis):
    return np.argwhere(label == one)[:, axis].mean()


def test_the_abdomen_is_no_mirror_image(drawn):
    for image, label in pairs(drawn / "synthetic_ct"):
        right = {one: middle(label.values, one, 0) for one in IDS["synthetic_ct"][1:]}
        # 6 liver and 2 right kidney on the right of 8 aorta, 1 spleen and 3 left kidney on its left.
        assert min(right[6], right[2]) > right[8] > max(right[1], right[3])
        # The kidneys lie behind the liver, and the spleen above the kidneys.
        assert middle(label.values, 2, 1) < middle(label.values, 6, 1)
        assert middle(label.values, 1, 2) > middle(label.values, 3, 2)
        hu = {one: np.median(image.values[label.values == one]) for one in (2, 6)}
        assert np.median(image.values[:4, :4]) == pytest.approx(-1000, abs=40)  # air
        assert 80 < hu[6] < 150
        assert hu[2] > hu[6]  # the cortex takes up more contrast


def test_the_heart_beats(drawn):
    volumes = list(pairs(drawn / "synthetic_mr"))
    for (full, filled), (end, squeezed) in zip(volumes[::2], volumes[1::2], strict=True):
        assert full.spacing == pytest.approx(end.spacing)
        assert np.sum(squeezed.values == 3) < 0.75 * np.sum(filled.values == 3)
        for image, label in ((full, filled), (end, squeezed)):
            blood, muscle = (np.median(image.values[label.values == one]) for one in (3, 2))
            assert blood > 1.8 * muscle
            assert image.values.min() >= 0
            # The right ventricle lies on the right of the left one.
            assert middle(label.values, 1, 0) > middle(label.values, 3, 0)


def test_scanners_differ_in_scale_and_moments_in_noise(drawn):
    images = [image.values for image, _ in pairs(drawn / "synthetic_mr")]
    scales = [np.percentile(image, 99) for image in images]
    assert max(scales) > 2 * min(scales)
    corners = [image[:5, :5].ravel() for image in images[:2]]  # air
    assert abs(np.corrcoef(*corners)[0, 1]) < 0.3


def test_the_same_seed_draws_the_same_and_a_larger_set_begins_with_the_smaller(drawn, tmp_path):
    synthesise(tmp_path / "more", 5, 0)
    synthesise(tmp_path / "other", 4, 1)
    for path in sorted(drawn.rglob("*.nii.gz")):
        same, other = (nib.load(tmp_path / name / path.relative_to(drawn)) for name in ("more", "other"))
        values = np.asarray(nib.load(path).dataobj)
        assert np.array_equal(values, np.asarray(same.dataobj))
        assert not np.array_equal(values.ravel()[:500], np.asarray(other.dataobj).ravel()[:500]) or "labels" in str(
            path
        )
    assert len(list((tmp_path / "more").rglob("images/*.nii.gz"))) == 10


@pytest.mark.parametrize(
    ("number", "seed", "message"),
    [(3, 0, "--number: found 3, wanted at least 4"), (4, -1, "--seed: found -1, wanted at least 0")],
)
def test_numbers_out_of_range(tmp_path, number, seed, message):
    with pytest.raises(RequestError, match=message):
        synthesise(tmp_path / "s", number, seed)
    assert list(tmp_path.iterdir()) == []


def test_only_a_new_or_empty_directory_is_written(tmp_path, drawn):
    with pytest.raises(RequestError, match="exists and is not empty"):
        synthesise(drawn, 4, 0)
    (tmp_path / "empty").mkdir()
    synthesise(tmp_path / "empty", 4, 0)
    assert sorted(path.name for path in (tmp_path / "empty").iterdir()) == sorted(DATA_SETS)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_the_default_sets_are_drawn_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folders = default_datasets()
    assert "no data set given: using 12 synthetic volumes of synthetic_ct and synthetic_mr" in capsys.readouterr().err
    sets = VolumeSets(folders)
    assert list(sets.tasks) == list(DATA_SETS)
    for section in ("training", "validation", "test"):
        assert {item["task"] for item in sets.items(section)} == set(DATA_SETS)
    sets.check()
    monkeypatch.setattr(synthetic_volumes, "synthesise", None)  # would fail if it drew again
    assert default_datasets() == folders
    [cached] = (tmp_path / "moe-segmentation").iterdir()
    assert cached.name == "synthetic_volumes_v1_number12_seed0"


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(RequestError, match=r"cannot be written \(Not a directory\); give --dataset_dir"):
        default_datasets()


def test_the_labels_have_gaps(drawn):
    # A head's channels are not the ids: synthetic data shows it where code forgets.
    labels = json.loads((drawn / "synthetic_ct" / synthetic_volumes.FILE).read_text())["labels"]
    assert list(map(int, labels)) != list(range(1, len(labels) + 1))
