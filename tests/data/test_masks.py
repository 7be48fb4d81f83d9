"""Masks decode to what their owners stored, whatever the kind of file."""

import io
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from custom.checks import RequestError
from custom.data.masks import decode_ids, decode_mask
from custom.data.source_file import SourceFile

IDS = np.array([[0, 0, 1], [2, 2, 1]], np.uint8)
GLAND = IDS > 0
TYPES = ["bool", "uint8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"]


def saved(path, image, **options):
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return SourceFile(path)


def palette(path, indices, colours, **options):
    image = Image.fromarray(np.asarray(indices, np.uint8), mode="P")
    image.putpalette([channel for colour in colours for channel in colour])
    return saved(path, image, **options)


@pytest.mark.parametrize(
    "values", [IDS, IDS * 100, IDS.astype(np.uint16) * 30000, IDS > 0, IDS.astype(np.int32) * 70000]
)
def test_masks_of_any_values(tmp_path, values):
    mask = decode_ids(saved(tmp_path / "a.tif", values))
    assert mask.values.dtype == np.int64
    assert np.array_equal(mask.values, values)
    assert mask.notes == ()


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("kind", TYPES)
def test_a_tiff_of_any_type_and_polarity_holds_what_was_stored(tmp_path, kind, photometric, compression):
    stored = IDS.astype(kind)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric=photometric, compression=compression)
    mask = decode_mask(SourceFile(tmp_path / "a.tif"))
    assert np.array_equal(mask.values, stored)
    assert [("white is zero" in note) for note in mask.notes] == [True] * (photometric == "miniswhite")


def test_a_truncated_tiff_of_64_bits_is_named(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((50, 50)))
    content = (tmp_path / "a.tif").read_bytes()
    for part in (0.02, 0.3, 0.9):
        (tmp_path / "a.tif").write_bytes(content[: int(part * len(content))])
        with pytest.raises(RequestError, match=r"a\.tif: (broken|not an image)"):
            decode_mask(SourceFile(tmp_path / "a.tif"))


def test_pages_and_channels_of_64_bits_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 40, 50)), photometric="minisblack")
    with pytest.raises(RequestError, match="found 3 pages"):
        decode_mask(SourceFile(tmp_path / "a.tif"))
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((40, 50, 3)), photometric="rgb")
    with pytest.raises(RequestError, match="found 40 x 50 x 3 values"):
        decode_mask(SourceFile(tmp_path / "a.tif"))


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
@pytest.mark.parametrize("part", [0, 0.02, 0.5, 0.9])
def test_a_truncated_mask_is_named(tmp_path, suffix, part):
    file = saved(tmp_path / f"a.{suffix}", np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8))
    content = file.path.read_bytes()
    file.path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(RequestError, match=f"a.{suffix}: (broken|not an image)"):
        decode_mask(file)


def test_masks_in_other_clothes(tmp_path):
    coloured = palette(tmp_path / "p.png", IDS, [(0, 0, 0), (255, 0, 0), (0, 255, 0)])
    grey = np.dstack([IDS] * 3)
    opaque = np.dstack([grey, np.full(IDS.shape, 255, np.uint8)])
    files = [saved(tmp_path / f"{i}.png", one) for i, one in enumerate([grey, opaque])]
    for file in [coloured, *files, saved(tmp_path / "la.png", Image.fromarray(opaque).convert("LA"))]:
        assert np.array_equal(decode_ids(file).values, IDS)
    assert np.array_equal(decode_ids(saved(tmp_path / "f.tif", IDS.astype(np.float32))).values, IDS)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_not_stretched(tmp_path, bits):
    ids = np.minimum(IDS, 2**bits - 1)
    per_row = -(-3 * bits // 8) * 8 // bits
    samples = np.zeros((2, per_row), int)
    samples[:, :3] = ids
    rows = (samples * 2 ** (bits * np.arange(per_row)[::-1])).sum(axis=1)
    chunks = {b"IHDR": (3).to_bytes(4) + (2).to_bytes(4) + bytes([bits, 0, 0, 0, 0])}

    chunks[b"IDAT"] = zlib.compress(b"".join(b"\0" + int(row).to_bytes(per_row * bits // 8) for row in rows))
    chunks[b"IEND"] = b""
    body = [len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4) for kind, data in chunks.items()]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(body))
    assert np.array_equal(decode_ids(SourceFile(tmp_path / "a.png")).values, ids)


@pytest.mark.parametrize(
    ("colours", "gland", "word"),
    [
        ([(255, 255, 255), (0, 0, 0)], [1, 0], "white"),
        ([(250, 252, 251), (3, 2, 4)], [1, 0], "white"),
        ([(0, 0, 0), (255, 255, 255)], [0, 1], None),
        ([(255, 0, 0), (0, 0, 0)], [1, 0], "the colour"),
        ([(0, 0, 0), (255, 0, 0)], [0, 1], None),
        # QuPath draws the background white and the class in its own colour: the numbers count.
        ([(255, 255, 255), (200, 0, 0)], [0, 1], None),
        ([(255, 255, 255), (50, 50, 50)], [0, 1], None),
    ],
)
def test_palettes_of_two_colours(tmp_path, colours, gland, word):
    mask = decode_mask(palette(tmp_path / "a.png", GLAND, colours))
    assert np.array_equal(mask.values, np.array(gland)[GLAND.astype(int)])
    assert [f"{word} is gland" in note for note in mask.notes] == [True] * (word is not None)


def test_a_colour_table_of_several_classes_stays_by_its_numbers(tmp_path):
    mask = decode_mask(palette(tmp_path / "a.png", IDS, [(255, 255, 255), (0, 0, 0), (200, 0, 0)]))
    assert np.array_equal(mask.values, IDS)
    assert mask.notes == ()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_has_one_colour_is_in_its_transparency(tmp_path, mode):
    alpha = np.where(GLAND, 255, 0).astype(np.uint8)
    for grey in (0, 255):
        image = Image.fromarray(np.dstack([np.full((2, 3, 3), grey, np.uint8), alpha]))
        if mode == "PA":  # a PNG holds it as a palette with two transparencies
            image = image.quantize(2)
        mask = decode_mask(saved(tmp_path / "a.png", image if mode == "PA" else image.convert(mode)))
        assert np.array_equal(mask.values > 0, GLAND)
        assert ["transparency" in note for note in mask.notes] == [True]


def test_masks_that_are_refused(tmp_path):
    colour = np.dstack([IDS, IDS, IDS * 2])
    hidden = np.dstack([np.where(GLAND, 0, 255).astype(np.uint8)] * 3 + [np.where(GLAND, 255, 0).astype(np.uint8)])
    turned = Image.Exif()
    turned[274] = 3
    cases = [
        (saved(tmp_path / "a.png", colour), "colour mask"),
        (saved(tmp_path / "b.jpg", IDS), "JPEG label"),
        (saved(tmp_path / "c.tif", IDS.astype(np.float32) / 2), "fractions"),
        (saved(tmp_path / "d.tif", np.where(IDS == 2, np.nan, IDS).astype(np.float32)), "fractions"),
        (saved(tmp_path / "e.tif", IDS.astype(np.int32) - 1), "value -1"),
        (saved(tmp_path / "f.tif", Image.fromarray(colour).convert("CMYK")), "colour model CMYK"),
        (saved(tmp_path / "g.png", hidden), "2 transparent pixels whose values are not 0"),
        (saved(tmp_path / "h.png", IDS, exif=turned), "orientation tag 3"),
    ]
    tifffile.imwrite(tmp_path / "i.tif", IDS.astype(np.float64) * 1e12)
    for file, message in [*cases, (SourceFile(tmp_path / "i.tif"), "wanted ids below 2147483648")]:
        with pytest.raises(RequestError, match=message) as error:
            decode_ids(file)
        assert str(file.path) in str(error.value)


def test_sixteen_bits_in_colours_are_not_cut_to_eight(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 5, 3), np.uint16), photometric="rgb")
    with pytest.raises(RequestError, match=r"a\.tif"):
        decode_mask(SourceFile(tmp_path / "a.tif"))


def test_a_lossy_file_says_so(tmp_path):
    assert decode_mask(saved(tmp_path / "a.jpg", IDS)).inexact
    buffer = io.BytesIO()
    Image.fromarray(np.repeat(np.repeat(GLAND * np.uint8(255), 20, 0), 20, 1)).save(buffer, "JPEG")
    assert not decode_mask(saved(tmp_path / "b.png", Image.open(buffer))).inexact


@pytest.mark.parametrize("suffix", ["tif", "png", "jpg"])
def test_a_turned_mask_is_refused_whether_or_not_pillow_would_turn_it(tmp_path, suffix):
    tags = Image.Exif()
    tags[274] = 3
    file = saved(tmp_path / f"a.{suffix}", IDS, exif=tags)
    with pytest.raises(RequestError, match="found the orientation tag 3, wanted a mask that is saved upright"):
        decode_mask(file)
