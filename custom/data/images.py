"""Decode images and masks, and say what is wrong with them. Arrays are (h, w) and (h, w, 3) here, as on disk."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from ..checks import RequestError
from .pixel_size import stated_mpp
from .source_file import SourceFile

# Scanners put colour profiles and XMP of some MB into a PNG, which Pillow would call a broken file from 1 MB on.
_MOST_METADATA = 64 * 2**20
PngImagePlugin.MAX_TEXT_CHUNK = max(PngImagePlugin.MAX_TEXT_CHUNK, _MOST_METADATA)
PngImagePlugin.MAX_TEXT_MEMORY = max(PngImagePlugin.MAX_TEXT_MEMORY, _MOST_METADATA)

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
# Written on as they are; anything else becomes PNG.
KEPT_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")

_TO_RGB = {"1": "black and white", "L": "grey", "P": "palette", "LA": "grey", "RGBA": "RGBA", "PA": "palette"}
_BITS_PER_SAMPLE, _ORIENTATION = 258, 274
_TURN = "orientation as stored"


@dataclass(frozen=True)
class DecodedImage:
    """An image as it will be used.

    Args:
        rgb: (h, w, 3) uint8.
        content: The file's bytes.
        note: What had to be converted, in words; empty where nothing was.
        mpp: Size of a pixel in µm as the file states it; None where it does not.
    """

    rgb: np.ndarray
    content: bytes
    note: str = ""
    mpp: float | None = None


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
    image = open_whole(file, content)
    if image.mode.startswith(("I", "F")) or bits_a_channel(image, content) > 8:
        raise RequestError(f"{file}: found more than 8 bits a channel, wanted an 8-bit RGB image")
    if (turn := image.info[_TURN]) in range(2, 9):
        # One program shows it turned and another not, and a mask may have been drawn on either.
        raise RequestError(f"{file}: found the orientation tag {turn}, wanted an image that is saved upright")
    if image.mode != "RGB" and image.mode not in _TO_RGB:
        raise RequestError(f"{file}: found the colour model {image.mode}, wanted RGB")
    try:
        mpp = stated_mpp(image)
    except ValueError as error:
        raise RequestError(f"{file}: {error}") from error
    if image.mode == "RGB" and "transparency" not in image.info:
        return DecodedImage(np.asarray(image), content, mpp=mpp)
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        alpha = np.asarray(image.convert("RGBA"))[..., 3]
        if alpha.min() < 255:
            raise RequestError(f"{file}: found {int((alpha < 255).sum())} transparent pixels, wanted an opaque image")
    return DecodedImage(np.asarray(image.convert("RGB")), content, f"{_TO_RGB.get(image.mode, 'RGB')} made RGB", mpp)


def decode_grey(file: SourceFile) -> np.ndarray:
    """Decode a picture of one channel, such as a slice of a volume.

    Args:
        file: An image whose suffix is one of `IMAGE_SUFFIXES`, of any depth.

    Returns:
        (h, w), the values as they are; black and white as 0 and 1.

    Raises:
        RequestError: The file is no whole image, has colours, or an orientation tag.
    """
    content = file.read()
    image = open_whole(file, content)
    values = None if image.mode in ("P", "PA") else _one_channel(np.asarray(image))
    if values is None or (image.mode == "RGB" and bits_a_channel(image, content) > 8):
        raise RequestError(f"{file}: found the colour model {image.mode}, wanted a grey picture")
    check_upright(file, image, "an image")
    return values.astype(np.uint8) if values.dtype.kind == "b" else values


def check_upright(file: SourceFile, image: Image.Image, what: str) -> None:
    """Refuse what one program shows turned and another not; 0 and 1 say that it is upright.

    Args:
        file: For the message.
        image: As `open_whole` gave it.
        what: What was wanted upright.

    Raises:
        RequestError: The file has another orientation tag.
    """
    if (turn := image.info[_TURN]) not in (0, 1):
        raise RequestError(f"{file}: found the orientation tag {turn}, wanted {what} that is saved upright")


def _one_channel(values: np.ndarray) -> np.ndarray | None:
    """The one channel of a picture whose colours are all grey, its alpha channel left out; None if they are not."""
    if values.ndim == 2:
        return values
    # Grey saved as RGB is common; the alpha channel of a mask says nothing.
    colours = values[..., : {2: 1, 4: 3}.get(values.shape[2], values.shape[2])]
    return None if (colours != colours[..., :1]).any() else colours[..., 0]


def open_whole(file: SourceFile, content: bytes) -> Image.Image:
    """Open and fully load, since a truncated file opens well and fails later, in a loader's worker.

    Args:
        file: For the message.
        content: Its bytes.

    Raises:
        RequestError: It is no whole image, or has several pages.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 Mpx on and refuses at twice that, and of odd metadata; a warning says nothing that
            # a user can act on, and would spoil the one-line output.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content))
            if (pages := getattr(image, "n_frames", 1)) > 1:
                raise RequestError(f"{file}: found {pages} pages, wanted a single image")
            # Pillow turns a TIFF while it loads, and forgets the tag then; of a PNG the tag may come after the pixels.
            before = _orientation(image) if image.format == "TIFF" else None
            image.load()
            image.info[_TURN] = _orientation(image) if before is None else before
    except RequestError:
        raise
    except Image.DecompressionBombError as error:
        raise RequestError(f"{file}: too large for a tile ({error}); cut it into tiles") from error
    except UnidentifiedImageError as error:
        raise RequestError(f"{file}: not an image that can be read, wanted PNG, JPEG, TIFF or BMP") from error
    except Exception as error:
        # Pillow's plugins raise whatever their code meets in a broken file: SyntaxError, TypeError, struct.error.
        if "MAX_TEXT" in str(error):
            limit = f"more than {_MOST_METADATA >> 20} MB of text or colour profile"
            raise RequestError(f"{file}: holds {limit}; save it without metadata") from error
        raise RequestError(f"{file}: broken or truncated image ({_words(error)})") from error
    return image


def _words(error: Exception) -> str:
    """What an exception says, in one line; its kind where it says nothing."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _orientation(image: Image.Image) -> int:
    """The orientation that a file states; 1, upright, where it states none, or what cannot be read."""
    try:
        tags = image.tag_v2 if image.format == "TIFF" else image.getexif()  # type: ignore[attr-defined]
        return int(tags.get(_ORIENTATION, 1))
    except Exception:
        return 1  # broken EXIF says nothing, and the pixels are whole


def bits_a_channel(image: Image.Image, content: bytes) -> int:
    """Bits a channel in the file: Pillow cuts a 16-bit RGB PNG to 8 bits without a word.

    Args:
        image: As `open_whole` gave it.
        content: The file's bytes.
    """
    if image.format == "PNG":
        return content[24]  # the header chunk's bit depth
    if image.format == "TIFF":
        return int(np.max(image.tag_v2.get(_BITS_PER_SAMPLE, 8)))  # type: ignore[attr-defined]
    return 8
