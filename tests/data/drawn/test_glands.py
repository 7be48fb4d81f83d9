import json
import threading

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from custom.checks import RequestError
from custom.data import datalist
from custom.data.drawn import glands as synthetic_glands
from custom.data.drawn.epithelium import own_depth
from custom.data.drawn.glands import KINDS, default_dataset, draw_tile, lay_out, synthesise
from custom.data.drawn.tissue import draw_patient

NUMBER = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    output = tmp_path_factory.mktemp("synthetic") / "set"
    synthesise(output, NUMBER, seed=0)
    return output


@pytest.fixture(scope="module")
def masks(folder):
    paths = [*folder.glob("masks/*.png"), *folder.glob("test/masks/*.png")]
    return {path.stem: np.asarray(Image.open(path)) for path in sorted(paths)}


def touching_pairs(label):
    pairs = set()
    for a, b in ((label[:, 1:], label[:, :-1]), (label[1:], label[:-1])):
        met = (a != b) & (a > 0) & (b > 0)
        pairs |= {tuple(sorted(pair)) for pair in zip(a[met].tolist(), b[met].tolist(), strict=True)}
    return pairs


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_draws_the_same_tile_and_another_seed_another(kind):
    def draw(seed):
        rng = np.random.default_rng(seed)
        return draw_tile(rng, 120, 160, draw_patient(rng, kind))

    first, second, other = draw(1), draw(1), draw(2)
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(("height", "width"), [(288, 384), (97, 61), (64, 200)])
def test_any_size_and_ids_without_a_gap_each_in_one_piece(height, width):
    image, label = draw_tile(np.random.default_rng(4), height, width)
    assert (image.shape, image.dtype) == ((height, width, 3), np.uint8)
    assert (label.shape, label.dtype) == ((height, width), np.int32)
    assert np.array_equal(np.unique(label[label > 0]), np.arange(1, label.max() + 1))
    assert all(ndimage.label(label == one)[1] == 1 for one in range(1, label.max() + 1))


def test_an_empty_tile_has_tissue_and_no_gland():
    image, label = draw_tile(np.random.default_rng(0), 100, 140, empty=True)
    assert not label.any()
    assert image.std() > 10


def test_masks_hold_touching_cut_and_whole_glands_and_empty_tiles(masks):
    assert any(touching_pairs(label) for label in masks.values())
    assert any(not label.any() for label in masks.values())
    inside = {name: set(np.unique(label)) - {0} for name, label in masks.items()}
    edge = {
        name: set(np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]])) - {0}
        for name, label in masks.items()
    }
    assert any(edge.values())
    assert any(inside[name] - edge[name] for name in masks)
    for label in masks.values():
        assert np.array_equal(np.unique(label[label > 0]), np.arange(1, label.max() + 1))
        # Slivers are not drawn as glands.
        sizes = np.bincount(label.ravel())[1:]
        assert sizes.size == 0 or sizes.min() >= synthetic_glands.SMALLEST_PX


def test_whole_glands_are_60_to_200_um_across(masks):
    across = []
    for label in masks.values():
        for number, box in enumerate(ndimage.find_objects(label), 1):
            if all(part.start > 0 and part.stop < size for part, size in zip(box, label.shape, strict=True)):
                across.append(2 * np.sqrt((label[box] == number).sum() / np.pi) * synthetic_glands.MPP)
    # As discs of the same area; a whole one that a neighbour has squeezed may be smaller.
    assert 60 < np.median(across) < 130
    assert max(across) < 200


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_the_mask_is_the_border_that_was_drawn(seed):
    # Clefts of empty glass hug the glands of a carcinoma, so the mask's outermost 2 px are stained and none is glass;
    # with the mask shifted by 4 px, a few per cent of them are.
    rng = np.random.default_rng(seed)
    image, label = draw_tile(rng, 288, 384, draw_patient(np.random.default_rng(0), "carcinoma"))
    glass = image.mean(2) > 225

    def glass_in_rim(mask):
        depth = own_depth(mask)
        return glass[(depth > 0) & (depth <= 2)].mean()

    assert glass_in_rim(label) < 0.005
    assert glass_in_rim(np.roll(label, 4, axis=1)) > 0.02


def test_colours_are_those_of_haematoxylin_and_eosin(folder):
    for path in sorted(folder.rglob("images/*.png")) + sorted(folder.glob("unlabelled/*.png")):
        red, green, blue = np.asarray(Image.open(path)).reshape(-1, 3).mean(0) / 255
        # Real colon slides: .79 .51 .79. Pink and purple both take more green than red or blue.
        assert 0.5 < red < 0.95, path
        assert 0.3 < green < 0.9, path
        assert 0.55 < blue < 0.95, path
        assert green < min(red, blue) - 0.03, path


@pytest.mark.parametrize("kind", KINDS)
def test_glands_of_every_kind_leave_stroma(kind):
    for seed in range(3):
        share = (lay_out(np.random.default_rng(seed), (344, 440), kind) > 0).mean()
        assert 0.1 < share < 0.9


def test_layout_on_disk(folder, masks):
    def names(pattern):
        return sorted(path.stem for path in folder.glob(pattern))

    # 24 tiles are 12 patients: numbers 1, 4, 7, 10 labelled (8 tiles), 3 and 9 for the test (4), 6 unlabelled (12).
    assert names("images/*.png") == [f"p{p:02d}_t{t}" for p in (1, 4, 7, 10) for t in (1, 2)]
    assert names("images/*.png") == names("masks/*.png")
    assert names("test/images/*.png") == [f"p{p:02d}_t{t}" for p in (3, 9) for t in (1, 2)]
    assert names("test/images/*.png") == names("test/masks/*.png")
    assert names("unlabelled/*.png") == [f"p{p:02d}_t{t}" for p in (2, 5, 6, 8, 11, 12) for t in (1, 2)]
    split = json.loads((folder / "split.json").read_text())
    assert split["validation"] == ["p04_t1", "p04_t2"]
    assert sorted(split["training"] + split["validation"]) == names("images/*.png")
    for path in folder.rglob("*.png"):
        assert Image.open(path).size == (384, 288)
    assert all(label.dtype == np.uint8 for label in masks.values())


def test_tiles_of_a_patient_share_their_stain(folder):
    # Glass aside, the hue of the darkest pixels, the nuclei, is the patient's: it varies less within than between.
    def hue(path):
        pixels = np.asarray(Image.open(path)).reshape(-1, 3) / 255
        density = -np.log(np.clip(pixels, 0.02, 1))
        nuclei = density[pixels[:, 0] < np.quantile(pixels[:, 0], 0.05)].mean(0)
        return nuclei / np.linalg.norm(nuclei)

    hues = np.array([[hue(folder / "unlabelled" / f"p{p:02d}_t{t}.png") for t in (1, 2)] for p in (2, 5, 6, 8, 11, 12)])
    within = np.linalg.norm(hues[:, 0] - hues[:, 1], axis=1).mean()
    between = np.mean([np.linalg.norm(hues[a, 0] - hues[b, 0]) for a in range(6) for b in range(a)])
    assert within < between / 2


def test_a_smaller_set_is_the_start_of_a_larger_one(folder, tmp_path):
    synthesise(tmp_path / "small", number=3, seed=0)
    paths = sorted((tmp_path / "small").rglob("*.png"))
    assert len(paths) == 2 * 2 + 1  # two labelled tiles with their masks and one unlabelled
    for path in paths:
        assert path.read_bytes() == (folder / path.relative_to(tmp_path / "small")).read_bytes()


def test_bad_requests_are_refused_in_one_line_and_leave_nothing(tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("keep")
    with pytest.raises(RequestError, match="full: exists and is not empty"):
        synthesise(full, 1)
    with pytest.raises(RequestError, match="--number: found 0"):
        synthesise(tmp_path / "none", 0)
    with pytest.raises(RequestError, match="--seed: found -1"):
        synthesise(tmp_path / "none", 1, -1)
    with pytest.raises(RequestError, match="cannot be written"):
        synthesise(full / "mine.txt" / "below", 1)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["full", "mine.txt"]


def test_a_failure_leaves_no_half_set(tmp_path, monkeypatch):
    def broken(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(synthetic_glands, "draw_tile", broken)
    with pytest.raises(RequestError, match="No space left"):
        synthesise(tmp_path / "set", 2)
    assert list(tmp_path.iterdir()) == []


def test_default_set_is_drawn_once_even_by_two_at_a_time(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    flat = np.random.default_rng(0)

    def quick(rng, height, width, patient, empty):
        # Pictures that differ, since prepare refuses twins, with one gland each.
        label = np.zeros((height, width), np.int32)
        label[50:100, 60:90] = not empty
        return flat.integers(0, 255, (height, width, 3), np.uint8), label

    calls = []
    original = synthetic_glands.synthesise
    monkeypatch.setattr(synthetic_glands, "draw_tile", quick)
    monkeypatch.setattr(synthetic_glands, "synthesise", lambda *args: (calls.append(args), original(*args)))
    found = []
    threads = [threading.Thread(target=lambda: found.append(default_dataset())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drawn = len(calls)
    assert found[0] == found[1] == default_dataset()
    assert len(calls) == drawn <= 2
    assert [path.name for path in (tmp_path / "moe-segmentation").iterdir()] == [found[0].rsplit("/", 1)[1]]
    assert "using 24 synthetic tiles" in capsys.readouterr().err
    data_list = datalist.read(found[0])
    assert data_list.head["mpp"] == 0.62
    assert {name: len(data_list.sections[name]) for name in ("training", "unlabelled", "validation", "test")} == {
        "training": 6,
        "unlabelled": 12,
        "validation": 2,
        "test": 4,
    }
