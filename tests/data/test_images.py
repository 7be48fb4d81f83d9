import io
import zlib

import numpy as np
import pytest
from PIL import Image

from custom.checks import RequestError
from custom.data.images import decode_image
from custom.data.source_file import SourceFile

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)


def saved(path, image, **options):
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return SourceFile(path)


def png16_rgb(path):
    """A 16-bit RGB PNG, which Pillow cannot write: header, one row of two pixels, end."""

    def chunk(kind, data):
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = (2).to_bytes(4) + (1).to_bytes(4) + bytes([16, 2, 0, 0, 0])
    pixels = zlib.compress(b"\0" + bytes(12))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    return SourceFile(path)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "webp"])
def test_rgb_is_left_as_it_is(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    file = saved(tmp_path / f"a.{suffix}", RGB, **options)
    image = decode_image(file)
    assert np.array_equal(image.rgb, RGB)
    assert image.content == file.path.read_bytes()
    assert image.note == ""


@pytest.mark.parametrize(
    ("mode", "word"), [("L", "grey"), ("P", "palette"), ("RGBA", "RGBA"), ("1", "black and white")]
)
def test_other_modes_are_converted_by_name(tmp_path, mode, word):
    picture = Image.fromarray(RGB).convert(mode)
    image = decode_image(saved(tmp_path / "a.png", picture))
    assert np.array_equal(image.rgb, np.asarray(picture.convert("RGB")))
    assert image.note == f"{word} made RGB"


def test_images_that_are_refused(tmp_path):
    rgba = np.dstack([RGB, np.full((5, 7), 255, np.uint8)])
    rgba[0, :2, 3] = 254
    turned = Image.Exif()
    turned[274] = 6
    pages = [Image.fromarray(RGB)]
    cases = {
        "transparent": (saved(tmp_path / "a.png", rgba), "2 transparent pixels"),
        "16 grey": (saved(tmp_path / "b.png", RGB[..., 0].astype(np.uint16)), "more than 8 bits"),
        "16 grey tif": (saved(tmp_path / "c.tif", RGB[..., 0].astype(np.uint16)), "more than 8 bits"),
        "16 RGB": (png16_rgb(tmp_path / "d.png"), "more than 8 bits"),
        "float": (saved(tmp_path / "e.tif", RGB[..., 0].astype(np.float32)), "more than 8 bits"),
        "CMYK": (saved(tmp_path / "f.jpg", Image.fromarray(RGB).convert("CMYK")), "colour model CMYK"),
        "turned": (saved(tmp_path / "g.jpg", RGB, exif=turned), "orientation tag 6"),
        "pages": (saved(tmp_path / "h.tif", RGB, save_all=True, append_images=pages), "2 pages"),
    }
    for file, message in cases.values():
        with pytest.raises(RequestError, match=message) as error:
            decode_image(file)
        assert str(file.path) in str(error.value)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
@pytest.mark.parametrize("part", [0, 0.02, 0.5, 0.9])
def test_a_truncated_image_is_named(tmp_path, suffix, part):
    file = saved(tmp_path / f"a.{suffix}", np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8))
    content = file.path.read_bytes()
    file.path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(RequestError, match=f"a.{suffix}: (broken|not an image)"):
        decode_image(file)


def test_a_text_file_is_no_image(tmp_path):
    (tmp_path / "a.png").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(RequestError, match="not an image that can be read"):
        decode_image(SourceFile(tmp_path / "a.png"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RequestError, match=r"nosuch\.png: cannot be read"):
        decode_image(SourceFile(tmp_path / "nosuch.png"))


def test_too_many_pixels(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    file = saved(tmp_path / "a.png", RGB)
    assert io.BytesIO(file.read()).read(4) == b"\x89PNG"
    with pytest.raises(RequestError, match="too large for a tile"):
        decode_image(file)
