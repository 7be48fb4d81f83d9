"""Decode a mask: the values that its owner stored, whatever kind of file they are in. Arrays are (h, w), as on disk."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError

from ..checks import RequestError
from .images import bits_a_channel, check_upright, open_whole
from .source_file import SourceFile

_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MODELS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "F")  # and I with all its depths
# Colours as near to black, to white and to grey as paint programs and their palettes leave them.
_BLACK, _WHITE, _GREY = 16, 239, 8
_TINT = 16  # by which a lossy compression makes greys differ between channels


@dataclass(frozen=True)
class DecodedMask:
    """A mask as its owner stored it.

    Args:
        values: (h, w) of any type, as stored.
        notes: What was taken on a guess, in words.
        inexact: Whether a lossy compression was at the values, as far as the file tells.
        shown: (h, w) greys that a palette shows from black to white; None where the values are shown.
    """

    values: np.ndarray
    notes: tuple[str, ...] = ()
    inexact: bool = False
    shown: np.ndarray | None = None


def decode_mask(file: SourceFile) -> DecodedMask:
    """Decode the one channel that says what is where.

    The stored values count, not the colours that a program shows: a white-is-zero TIFF and a palette are taken by
    their numbers. Two things are taken by their colours, since their numbers come by chance: a palette of black and
    white, or of black and one colour, where that colour is not 0. What has one colour throughout and is transparent
    in places is taken by its transparency.

    Args:
        file: An image whose suffix is one of `IMAGE_SUFFIXES`.

    Returns:
        The values, which need be neither whole nor ids.

    Raises:
        RequestError: The file is no whole image, has several pages, an orientation tag, colours, more bits than can
            be read, or transparent pixels whose values say the opposite.
    """
    content = file.read()
    if content[:4] in _TIFF and not _pillow_knows(content):
        return _by_tifffile(file, content)
    image = open_whole(file, content)
    _check_kind(file, image, content)
    alpha = _alpha(image)
    if alpha is not None and alpha.min() != alpha.max() and _one_colour(image):
        return DecodedMask(alpha, ("one colour throughout, taken by its transparency: gland is what is opaque",))
    mask = _palette(image) if image.mode in ("P", "PA") else _stored(file, image, content)
    if alpha is not None and (hidden := int(((alpha == 0) & (mask.values > 0)).sum())):
        found = f"found {hidden} transparent pixels whose values are not 0"
        raise RequestError(f"{file}: {found}, wanted transparency and values to agree, or a mask without transparency")
    return mask


def decode_ids(file: SourceFile) -> DecodedMask:
    """Decode a label whose every value has a meaning of its own, such as a slice of a volume's labels.

    Args:
        file: A lossless image whose suffix is one of `IMAGE_SUFFIXES`.

    Returns:
        (h, w) int64, the values as they are.

    Raises:
        RequestError: As `decode_mask`; or the file is a JPEG, or has values that are no ids.
    """
    mask = decode_mask(file)
    if mask.inexact:
        raise RequestError(f"{file}: found a JPEG label, whose compression invents values; wanted a PNG or TIFF")
    return DecodedMask(whole(file, mask.values), mask.notes)


def whole(file: SourceFile, values: np.ndarray) -> np.ndarray:
    """The values as ids.

    Args:
        file: Where they are from, for the message.
        values: Of any type.

    Returns:
        Int64.

    Raises:
        RequestError: A value is negative, or no whole number that can be an id.
    """
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.round(values)).all()):
        raise RequestError(f"{file}: found fractions, wanted whole numbers as ids")
    if values.dtype.kind != "b" and values.min() < 0:
        raise RequestError(f"{file}: found the value {values.min()}, wanted ids from 0")
    if values.max() > np.iinfo(np.int32).max:
        raise RequestError(f"{file}: found the value {values.max()}, wanted ids below 2147483648")
    return values.astype(np.int64)


def _pillow_knows(content: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(content)):
            return True
    except UnidentifiedImageError:
        return False
    except Exception:
        return True  # it says better what is wrong


def _by_tifffile(file: SourceFile, content: bytes) -> DecodedMask:
    """Numbers of 64 bits and half floats, and white-is-zero of 32 bits, which Pillow does not know."""
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as tiff:
            pages, page = len(tiff.pages), tiff.pages.first
            spans = zip(page.dataoffsets, page.databytecounts, strict=True)
            ends = max((offset + count for offset, count in spans), default=0)
            if (found := page.shape) and page.ndim != 2:
                raise RequestError(f"{file}: found {' x '.join(map(str, found))} values, wanted one channel of ids")
            if page.size > (largest := 2 * (Image.MAX_IMAGE_PIXELS or page.size)):
                raise RequestError(f"{file}: too large for a tile (wanted at most {largest} pixels); cut it into tiles")
            values = page.asarray() if pages == 1 and ends <= len(content) else None
            notes = _polarity_note(page.photometric)
    except RequestError:
        raise
    except Exception as error:  # whatever a damaged file does to a parser
        line = " ".join(str(error).split())
        wanted = "wanted 8, 16 or 32 bits a pixel, saved uncompressed"
        raise RequestError(f"{file}: not an image that can be read ({line}), {wanted}") from error
    if pages > 1:
        raise RequestError(f"{file}: found {pages} pages, wanted a single image")
    if values is None or values.dtype.kind not in "biuf" or not values.size:
        raise RequestError(f"{file}: broken or truncated image")
    return DecodedMask(values, notes)


def _polarity_note(photometric: int | None) -> tuple[str, ...]:
    if photometric != _WHITE_IS_ZERO:
        return ()
    return ("a TIFF in which white is zero, taken by its stored values: gland is what other programs show black",)


def _check_kind(file: SourceFile, image: Image.Image, content: bytes) -> None:
    if 0 in image.size:
        raise RequestError(f"{file}: broken image, found {image.width} x {image.height} pixels")
    if image.mode not in _MODELS and not image.mode.startswith("I"):
        raise RequestError(f"{file}: found the colour model {image.mode}, wanted one channel of ids, 0 for background")
    if image.mode in ("RGB", "RGBA", "LA") and bits_a_channel(image, content) > 8:
        # Pillow would cut them to 8 bits without a word.
        raise RequestError(f"{file}: found 16 bits in {image.mode}, wanted one channel of ids, 0 for background")
    check_upright(file, image, "a mask")


def _alpha(image: Image.Image) -> np.ndarray | None:
    if image.mode in ("LA", "PA", "RGBA"):
        return np.asarray(image)[..., -1]
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        return np.asarray(image.convert("RGBA"))[..., 3]
    return None


def _one_colour(image: Image.Image) -> bool:
    colours = np.asarray(image.convert("RGBA"))[..., :3]
    return bool((colours == colours[:1, :1]).all())


def _stored(file: SourceFile, image: Image.Image, content: bytes) -> DecodedMask:
    """The numbers in the file; Pillow turns white-is-zero round and stretches 2 and 4 bits to 8."""
    values = np.asarray(image)
    inexact = image.format == "JPEG"
    if values.ndim == 3:
        # Grey saved as RGB is common.
        colours = values[..., : {2: 1, 4: 3}.get(values.shape[2], values.shape[2])]
        spread = int(np.ptp(colours, axis=2).max())
        if spread > (_TINT if colours.max() >= _WHITE else 0):
            raise RequestError(f"{file}: found a colour mask, wanted one channel of ids, 0 for background")
        return DecodedMask(colours[..., min(1, colours.shape[2] - 1)], (), inexact or spread > 0)
    photometric = image.tag_v2.get(_PHOTOMETRIC) if image.format == "TIFF" else None  # type: ignore[attr-defined]
    if photometric == _WHITE_IS_ZERO and image.mode in ("1", "L"):
        values = ~values  # of booleans and of bytes alike
    bits = bits_a_channel(image, content)
    if image.mode == "L" and bits in (2, 4):
        values = values // (255 // (2**bits - 1))
    return DecodedMask(values, _polarity_note(photometric), inexact)


def _palette(image: Image.Image) -> DecodedMask:
    """A palette's numbers, or its colours where they are two and the darker one, black, has the larger number."""
    indices = np.asarray(image)[..., 0] if image.mode == "PA" else np.asarray(image)
    used, places = np.unique(indices, return_index=True)
    colours = np.asarray(image.convert("RGB")).reshape(-1, 3)[places].astype(int)
    order = np.argsort(colours.sum(axis=1), kind="stable")
    dark, light = order[0], order[-1]
    if len(used) < 2 or colours[dark].max() > _BLACK:
        return DecodedMask(indices)
    grey = int(np.ptp(colours, axis=1).max()) <= _GREY
    if len(used) == 2 and light < dark and (not grey or colours[light].min() >= _WHITE):
        name = "white" if grey else "the colour"
        return DecodedMask(
            indices == used[light], (f"a palette of two colours, taken by them: {name} is gland and black is not",)
        )
    if len(used) > 2 and grey and colours[light].min() >= _WHITE:
        table = np.zeros(256, np.uint8)
        table[used] = colours[:, 1]
        return DecodedMask(indices, shown=table[indices])
    return DecodedMask(indices)
