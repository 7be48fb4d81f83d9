"""Whole pictures with odd metadata, and broken ones: read, or one line, whatever Pillow raises."""

import io
import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from custom.checks import RequestError
from custom.data.images import decode_image
from custom.data.source_file import SourceFile

PIXELS = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)


def file_of(path, content):
    path.write_bytes(content)
    return SourceFile(path)


def encoded(kind, **options):
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, kind, **options)
    return file.getvalue()


def png_with(name, content):
    """A PNG with one more chunk after its header."""
    png = encoded("PNG")
    chunk = struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return png[:33] + chunk + png[33:]


@pytest.mark.parametrize(
    "content",
    [
        png_with(b"eXIf", b"no TIFF header"),
        png_with(b"eXIf", b""),
        png_with(b"iCCP", b"scanner\0\0" + zlib.compress(bytes(5_000_000))),
        png_with(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b" " * 5_000_000)),
        png_with(b"zTXt", b"Comment\0\0" + zlib.compress(b" " * 5_000_000)),
    ],
    ids=["broken EXIF", "empty EXIF", "large ICC", "large XMP", "large text"],
)
def test_metadata_does_not_spoil_whole_pixels(tmp_path, content):
    assert np.array_equal(decode_image(file_of(tmp_path / "a.png", content)).rgb, PIXELS)


def test_a_bomb_of_metadata_is_called_that(tmp_path):
    content = png_with(b"iCCP", b"bomb\0\0" + zlib.compress(bytes(70 * 2**20)))
    with pytest.raises(RequestError, match=r"a\.png: holds more than 64 MB of text or colour profile"):
        decode_image(file_of(tmp_path / "a.png", content))


def turned(kind, turn):
    exif = Image.Exif()
    exif[274] = turn
    return encoded(kind, tiffinfo={274: turn}) if kind == "TIFF" else encoded(kind, exif=exif)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation(tmp_path, kind):
    for turn in (0, 1, 9):
        assert decode_image(file_of(tmp_path / f"a{turn}", turned(kind, turn))).rgb.shape == PIXELS.shape
    for turn in (2, 3, 6, 8):
        with pytest.raises(RequestError, match=f"found the orientation tag {turn}"):
            decode_image(file_of(tmp_path / "b", turned(kind, turn)))


def test_pages_cut_short(tmp_path):
    pages = encoded("TIFF", save_all=True, append_images=[Image.fromarray(PIXELS[::2, ::2])])
    with pytest.raises(RequestError, match="found 2 pages"):
        decode_image(file_of(tmp_path / "a.tif", pages))
    for share in (0.2, 0.5, 0.66, 0.9):
        with pytest.raises(RequestError, match=r"broken or truncated|not an image|pages"):
            decode_image(file_of(tmp_path / "a.tif", pages[: int(share * len(pages))]))


def decoded_or_line(file):
    try:
        return decode_image(file).rgb
    except RequestError as error:
        return str(error)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_whatever_is_broken_is_one_line(tmp_path, kind):
    whole = encoded(kind)
    draw = random.Random(0)
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(draw.randint(1, 6)):
            content[draw.randrange(min(len(content), 400))] = draw.randrange(256)
        outcome = decoded_or_line(file_of(tmp_path / "a", bytes(content[: draw.randint(20, len(content))])))
        assert "\n" not in outcome if isinstance(outcome, str) else outcome.dtype == np.uint8
