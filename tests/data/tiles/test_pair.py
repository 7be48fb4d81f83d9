import json

import numpy as np
import pytest
from PIL import Image

from custom.checks import RequestError
from custom.data.record import Record
from custom.data.source_file import SourceFile
from custom.data.tiles.pair import load_pair

RGB = np.array([[[0, 9, 255], [0, 9, 254]], [[1, 9, 254], [0, 8, 254]], [[0, 9, 0], [1, 9, 1]]], np.uint8)


def record(image, label=None):
    return Record("a", "training", SourceFile(image), None if label is None else SourceFile(label))


def saved(path, pixels):
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)
    return path


def test_an_image_with_its_mask(tmp_path):
    image, mask = saved(tmp_path / "a.png", RGB), saved(tmp_path / "m.png", [[0, 7], [3, 7], [3, 0]])
    pair = load_pair(record(image, mask))
    assert np.array_equal(pair.image.rgb, RGB)
    # ids keep their order: 3 becomes 1, 7 becomes 2
    assert pair.instances.tolist() == [[0, 2], [1, 2], [1, 0]]
    assert (pair.glands, pair.notes) == (2, ())
    histogram = pair.histogram
    assert histogram.shape == (3, 256)
    assert histogram[0, :2].tolist() == [4, 2]
    assert histogram[1, 8:10].tolist() == [1, 5]
    assert histogram[2, [0, 1, 254, 255]].tolist() == [1, 1, 3, 1]
    assert histogram.sum() == 18


def test_an_image_without_a_mask(tmp_path):
    pair = load_pair(record(saved(tmp_path / "a.png", RGB)))
    assert pair.instances is None
    assert pair.glands == 0


def test_the_digest_is_that_of_the_pixels_whatever_the_file(tmp_path):
    digests = [load_pair(record(saved(tmp_path / f"a.{kind}", RGB))).digest for kind in ("png", "bmp", "tif")]
    assert len(set(digests)) == 1
    other = RGB.copy()
    other[2, 1, 2] += 1
    assert load_pair(record(saved(tmp_path / "b.png", other))).digest != digests[0]
    # the same bytes as 2 x 3 and as 3 x 2 pixels
    assert load_pair(record(saved(tmp_path / "c.png", RGB.reshape(2, 3, 3)))).digest != digests[0]


def test_what_is_converted_or_odd_is_noted(tmp_path):
    image, mask = saved(tmp_path / "a.png", RGB[..., 0]), saved(tmp_path / "m.png", [[2, 2], [2, 2], [2, 2]])
    assert load_pair(record(image, mask)).notes == (
        f"{image}: grey made RGB",
        f"{mask}: every pixel is 2, none is background: taken for one gland that fills the image",
    )
    ring = [[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]
    shapes = [{"type": "Polygon", "coordinates": [ring]}, {"type": "Point", "coordinates": [1, 1]}]
    outlines = tmp_path / "m.geojson"
    outlines.write_text(json.dumps(shapes))
    pair = load_pair(record(saved(tmp_path / "b.png", RGB), outlines))
    assert pair.instances.tolist() == [[1, 1], [1, 1], [0, 0]]
    assert pair.notes == (f"{outlines}: left out: 1 Point",)


def test_a_mask_of_another_size_is_refused(tmp_path):
    image, mask = saved(tmp_path / "a.png", RGB), saved(tmp_path / "m.png", np.zeros((2, 3)))
    with pytest.raises(RequestError, match=r"m\.png: found 3 x 2 pixels, wanted 2 x 3 as .*a\.png has"):
        load_pair(record(image, mask))


def test_more_glands_than_sixteen_bits_hold_are_refused(tmp_path):
    image = saved(tmp_path / "a.png", np.zeros((256, 258, 3)))
    Image.fromarray(np.arange(256 * 258, dtype=np.int32).reshape(256, 258)).save(tmp_path / "m.tif")
    with pytest.raises(RequestError, match=r"m\.tif: found 66047 glands, wanted at most 65535"):
        load_pair(record(image, tmp_path / "m.tif"))


def test_what_prepare_wrote_is_not_guessed_again(tmp_path):
    image = saved(tmp_path / "a.png", RGB)
    label = saved(tmp_path / "m.png", [[1, 1], [2, 2], [2, 2]])
    assert load_pair(record(image, label), prepared=True).instances.tolist() == [[1, 1], [2, 2], [2, 2]]
    with pytest.raises(RequestError, match=r"the values 1, 2 and no 0"):
        load_pair(record(image, label))
