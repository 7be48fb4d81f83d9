"""Decode images and masks, and say what is wrong with them. Arrays are (h, w) and (h, w, 3) here, as on disk."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..checks import RequestError
from .source_file import SourceFile

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
# Written on as they are; anything else becomes PNG.
KEPT_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")

_TO_RGB = {"1": "black and white", "L": "grey", "P": "palette", "LA": "grey", "RGBA": "RGBA", "PA": "palette"}
_BITS_PER_SAMPLE, _ORIENTATION = 258, 274


@dataclass(frozen=True)
class DecodedImage:
    """An image as it will be used.

    Args:
        rgb: (h, w, 3) uint8.
        content: The file's bytes.
        note: What had to be converted, in words; empty where nothing was.
    """

    rgb: np.ndarray
    content: bytes
    note: str = ""


def decode_image(file: SourceFile) -> DecodedImage:
    """Decode an RGB image; palette, grey and opaque RGBA images are converted, with a note.

    Args:
        file: A file whose suffix is one of `IMAGE_SUFFIXES`.

    Returns:
        The decoded image.

    Raises:
        RequestError: The file is no whole image, has more than 8 bits a channel, transparent pixels, several
            pages, an orientation tag, or another colour model.
    """
    content = file.read()
    image = _open(file, content)
    if image.mode.startswith(("I", "F")) or _bits(image, content) > 8:
        raise RequestError(f"{file}: found more than 8 bits a channel, wanted an 8-bit RGB image")
    if (turn := image.getexif().get(_ORIENTATION, 1)) != 1:
        # One program shows it turned and another not, and a mask may have been drawn on either.
        raise RequestError(f"{file}: found the orientation tag {turn}, wanted an image that is saved upright")
    if image.mode == "RGB" and "transparency" not in image.info:
        return DecodedImage(np.asarray(image), content)
    if image.mode != "RGB" and image.mode not in _TO_RGB:
        raise RequestError(f"{file}: found the colour model {image.mode}, wanted RGB")
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        alpha = np.asarray(image.convert("RGBA"))[..., 3]
        if alpha.min() < 255:
            raise RequestError(f"{file}: found {int((alpha < 255).sum())} transparent pixels, wanted an opaque image")
    return DecodedImage(np.asarray(image.convert("RGB")), content, f"{_TO_RGB.get(image.mode, 'RGB')} made RGB")


def decode_grey(file: SourceFile) -> np.ndarray:
    """Decode a picture of one channel, such as a slice of a volume.

    Args:
        file: An image whose suffix is one of `IMAGE_SUFFIXES`, of any depth.

    Returns:
        (h, w), the values as they are; black and white as 0 and 1.

    Raises:
        RequestError: The file is no whole image, or has colours.
    """
    content = file.read()
    image = _open(file, content)
    values = None if image.mode in ("P", "PA") else _one_channel(np.asarray(image))
    if values is None or (image.mode == "RGB" and _bits(image, content) > 8):
        raise RequestError(f"{file}: found the colour model {image.mode}, wanted a grey picture")
    return values.astype(np.uint8) if values.dtype.kind == "b" else values


def _one_channel(values: np.ndarray) -> np.ndarray | None:
    """The one channel of a picture whose colours are all grey, its alpha channel left out; None if they are not."""
    if values.ndim == 2:
        return values
    # Grey saved as RGB is common; the alpha channel of a mask says nothing.
    colours = values[..., : {2: 1, 4: 3}.get(values.shape[2], values.shape[2])]
    return None if (colours != colours[..., :1]).any() else colours[..., 0]


def _open(file: SourceFile, content: bytes) -> Image.Image:
    """Open and fully load, since a truncated file opens well and fails later, in a loader's worker."""
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 Mpx on and refuses at twice that; a warning alone would spoil the one-line output.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content))
            if (pages := getattr(image, "n_frames", 1)) > 1:
                raise RequestError(f"{file}: found {pages} pages, wanted a single image")
            image.load()
    except Image.DecompressionBombError as error:
        raise RequestError(f"{file}: too large for a tile ({error}); cut it into tiles") from error
    except UnidentifiedImageError as error:
        raise RequestError(f"{file}: not an image that can be read, wanted PNG, JPEG, TIFF or BMP") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        # Pillow raises SyntaxError for a broken PNG chunk.
        raise RequestError(f"{file}: broken or truncated image ({error})") from error
    return image


def _bits(image: Image.Image, content: bytes) -> int:
    """Bits a channel in the file: Pillow cuts a 16-bit RGB PNG to 8 bits without a word."""
    if image.format == "PNG":
        return content[24]  # the header chunk's bit depth
    if image.format == "TIFF":
        return int(np.max(image.tag_v2.get(_BITS_PER_SAMPLE, 8)))  # type: ignore[attr-defined]
    return 8
