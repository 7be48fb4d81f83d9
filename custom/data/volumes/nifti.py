"""Open a NIfTI file, whatever it is called, and say what is wrong with it."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from ...checks import RequestError
from ..source_file import SourceFile

_KINDS = {348: nib.Nifti1Image, 540: nib.Nifti2Image}  # by the header's first number, its own size
_BYTES_OF_A_SIZE = 4
_GZIP = b"\x1f\x8b"
# What else a file may be that ends like a volume or lies where one is wanted, by its first bytes.
_OTHERS = {b"ObjectType": "MetaImage", b"NRRD": "NRRD", b"\x89PNG": "PNG", b"PK\x03\x04": "zip", b"\x89HDF": "HDF5"}
_MOST_VOXELS = 2**32


def open_nifti(file: SourceFile) -> nib.Nifti1Image:
    """Open a volume; compressed or not is told by its content, since names lie.

    Args:
        file: Ends in `.nii.gz` or `.nii`, in any case.

    Returns:
        The image, of three axes; voxels are decoded when they are asked for.

    Raises:
        RequestError: It is no NIfTI file, a broken one, or holds something else than one volume.
    """
    content = file.read()
    if not content:
        raise RequestError(f"{file}: found an empty file, wanted a NIfTI volume; get it again")
    try:
        if content.startswith(_GZIP):
            content = gzip.decompress(content)
        kind = _kind(file, content)
        image = kind.from_bytes(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RequestError(f"{file}: broken or truncated ({line(error)}); get it again") from error
    except MemoryError as error:
        raise RequestError(f"{file}: too large for the memory of this machine") from error
    except (ImageFileError, HeaderDataError, OSError, ValueError, OverflowError, KeyError, TypeError) as error:
        raise RequestError(f"{file}: not a NIfTI volume that can be read ({line(error)})") from error
    _check_axes(file, tuple(image.shape))
    return image


def voxels(file: SourceFile, image: Any) -> np.ndarray:
    """Decode the voxels of an image, with the header's slope.

    Args:
        file: Where it comes from, for messages.
        image: What `open_nifti` gave.

    Returns:
        (x, y, z), of integers or floats.

    Raises:
        RequestError: The file is cut short, or its voxels are no numbers.
    """
    try:
        values = np.asanyarray(image.dataobj).reshape(image.shape[:3])
    except MemoryError as error:
        raise RequestError(f"{file}: too large for the memory of this machine") from error
    except (OSError, ValueError, EOFError, OverflowError, TypeError) as error:
        raise RequestError(f"{file}: broken or truncated volume ({line(error)}); get it again") from error
    if values.dtype.kind not in "iuf":
        raise RequestError(f"{file}: found voxels of the type {values.dtype}, wanted one number each")
    return values


def size(shape: tuple[int, ...]) -> str:
    """A shape in words."""
    return " x ".join(map(str, shape))


def line(error: Exception) -> str:
    """An exception's text in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _kind(file: SourceFile, content: bytes) -> Any:
    number = content[:_BYTES_OF_A_SIZE]
    for own_size, kind in _KINDS.items():
        if own_size in (int.from_bytes(number, "little"), int.from_bytes(number, "big")):
            return kind
    if named := [name for start, name in _OTHERS.items() if content.startswith(start)]:
        raise RequestError(f"{file}: found {named[0]}, wanted a NIfTI volume; convert it")
    raise RequestError(f"{file}: not a NIfTI volume, wanted one that starts with its header")


def _check_axes(file: SourceFile, shape: tuple[int, ...]) -> None:
    """Three axes; those behind them may have one frame, which says nothing."""
    if min(shape, default=0) < 1 or len(shape) < 3 or any(length > 1 for length in shape[3:]):
        more = "; take the frame that you mean out of it" if len(shape) > 3 and min(shape) > 0 else ""
        raise RequestError(f"{file}: found {size(shape)} voxels, wanted three axes{more}")
    if np.prod(shape, dtype=np.float64) > _MOST_VOXELS:
        raise RequestError(f"{file}: found {size(shape)} voxels, wanted at most {_MOST_VOXELS}")
