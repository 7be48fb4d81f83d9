"""CRAG: 173 training and 40 test images of colorectal glands, about 1512 x 1516 at 20x; patients are not given."""

from pathlib import Path, PurePosixPath

from ...checks import RequestError
from ..images import IMAGE_SUFFIXES
from ..record import Record
from ..source_file import SourceFile, source_files

MPP = 0.5

_SECTIONS = {"train": "training", "valid": "test"}


def read(source: Path) -> list[Record]:
    """Find `{train,valid}/{Images,Annotation}`; the owner's `valid` is what papers call the test set.

    Args:
        source: The zip as downloaded, or a directory that holds it unpacked, at any depth.

    Returns:
        One record an image, without patients.

    Raises:
        RequestError: No training image, a file found twice, or a mask without its image. A missing mask is left
            for the checks that all data sets share.
    """
    found: dict[tuple[str, str], dict[str, SourceFile]] = {
        (part, kind): {} for part in _SECTIONS for kind in ("Images", "Annotation")
    }
    for name, file in source_files(source).items():
        folders = PurePosixPath(name).parts[-3:-1]
        if len(folders) < 2 or folders not in found or file.suffix not in IMAGE_SUFFIXES:
            continue
        part = found[folders[0], folders[1]]
        if file.stem in part:
            raise RequestError(f"{source}: {file.stem} is there twice, {part[file.stem]} and {file}; wanted once")
        part[file.stem] = file
    if not found["train", "Images"]:
        raise RequestError(f"{source}: no CRAG training image found, wanted CRAG/train/Images and Annotation")
    records = []
    for part_name, section in _SECTIONS.items():
        images, masks = found[part_name, "Images"], found[part_name, "Annotation"]
        if lonely := sorted(masks.keys() - images.keys()):
            raise RequestError(f"{masks[lonely[0]]}: a mask without its image, wanted it in {part_name}/Images")
        records += [Record(name, section, file, masks.get(name)) for name, file in images.items()]
    return records
