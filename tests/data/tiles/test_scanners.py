"""Images of several scanners in one data set, and files that contradict what is said of them."""

import numpy as np
import pytest
from PIL import Image

from custom.checks import RequestError
from custom.data import datalist
from custom.data.images import DecodedImage
from custom.data.tiles.one_scale import brought_to, common_mpp
from custom.data.tiles.pair import Pair
from custom.data.tiles.prepare import prepare

# 25,400 µm an inch.
FINE, COARSE = ({"dpi": (25400 / mpp, 25400 / mpp)} for mpp in (0.25, 0.5))


def gland(scale):
    """A square gland of 20 x 10 µm at its place in 60 x 40 µm, at some pixels a µm."""
    mask = np.zeros((40 * scale, 60 * scale), np.uint8)
    mask[10 * scale : 20 * scale, 30 * scale : 50 * scale] = 1
    return mask


@pytest.fixture
def source(tmp_path):
    """Three images at 0.5 µm a pixel, and one at 0.25 that says so."""
    rng = np.random.default_rng(0)
    for name, scale, options in (("a", 2, {}), ("b", 2, COARSE), ("c", 4, FINE), ("d", 2, {})):
        mask = gland(scale)
        image = (rng.integers(0, 30, (*mask.shape, 1)) + 100 * mask[..., None]).astype(np.uint8).repeat(3, axis=2)
        for folder, pixels, kept in (("images", image, options), ("masks", mask, {})):
            (tmp_path / "in" / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "in" / folder / f"{name}.png", **kept)
    return tmp_path / "in"


def table(source, sizes):
    path = source.parent / "table.csv"
    rows = [f"{name},p{name},{mpp}" for name, mpp in sizes.items()]
    path.write_text("\n".join(["id,patient,mpp", *rows]) + "\n")
    return path


@pytest.mark.parametrize(("mpp", "sizes"), [(0.5, {"c": 0.25}), (None, dict.fromkeys("abd", 0.5) | {"c": 0.25})])
def test_each_image_is_brought_to_one_size(source, tmp_path, mpp, sizes):
    sizes = {name: sizes.get(name, "") for name in "abcd"}
    said = prepare("folder", source, tmp_path / "out", mpp=mpp, patients=table(source, sizes))
    assert any("c.png: brought from 0.25 to 0.5 µm a pixel" in line for line in said)
    found = datalist.read(tmp_path / "out")
    assert found.head["mpp"] == 0.5
    pixels = {}
    for item in found.items("training"):
        mask = np.asarray(Image.open(item["label"]))
        pixels[item["id"]] = mask
        assert np.array_equal(mask, gland(2))
        image = np.asarray(Image.open(item["image"]))
        assert image.shape == (80, 120, 3)
        assert image[mask > 0].min() > image[mask == 0].max()
    assert sorted(pixels) == list("abcd")
    # What needs no change is the file as it was.
    assert (tmp_path / "out" / "images" / "b.png").read_bytes() == (source / "images" / "b.png").read_bytes()


def test_a_file_that_says_otherwise_is_refused(source, tmp_path):
    with pytest.raises(RequestError, match=r"c\.png: the file says 0\.25 µm a pixel, but 0\.5 was asked for"):
        prepare("folder", source, tmp_path / "out", mpp=0.5)
    assert not (tmp_path / "out").exists()
    wrong = table(source, {"a": "", "b": 1.0, "c": 0.25, "d": ""})
    with pytest.raises(RequestError, match=r"b\.png: the file says 0\.5 µm a pixel, but 1 was asked for"):
        prepare("folder", source, tmp_path / "out", mpp=0.5, patients=wrong)


@pytest.mark.parametrize(
    ("sizes", "mpp", "message"),
    [
        ({"a": "", "b": 0.5, "c": 0.25, "d": 0.5}, None, r"table\.csv has no mpp for a; wanted"),
        ({"a": '"0,5"', "b": 0.5, "c": 0.25, "d": 0.5}, None, r"line 2: found the mpp '0,5', wanted µm a pixel"),
        ({"a": 500, "b": 0.5, "c": 0.25, "d": 0.5}, None, r"line 2, mpp: found 500\.0, wanted µm a pixel between"),
        ({"a": "nan", "b": 0.5, "c": 0.25, "d": 0.5}, 0.5, r"line 2, mpp: found nan"),
    ],
)
def test_tables_that_are_refused(source, tmp_path, sizes, mpp, message):
    with pytest.raises(RequestError, match=message):
        prepare("folder", source, tmp_path / "out", mpp=mpp, patients=table(source, sizes))


def test_the_size_that_most_have():
    assert common_mpp([0.25, 0.5, 0.5]) == 0.5
    assert common_mpp([0.25, 0.5]) == 0.5
    assert common_mpp([0.25, 0.25, 0.5]) == 0.25


def test_an_image_that_is_brought_to_another_size_keeps_its_classes():
    image = DecodedImage(np.zeros((8, 8, 3), np.uint8), b"")
    pair = Pair(image, np.zeros((8, 8), np.int32), ("odd",), {"Gland": 2, "Tumor": 1})
    brought = brought_to(pair, "a.png", 0.25, 0.5)
    assert brought.image.rgb.shape == (4, 4, 3)
    assert brought.classes == {"Gland": 2, "Tumor": 1}
    assert brought.notes == ("odd", "a.png: brought from 0.25 to 0.5 µm a pixel")
