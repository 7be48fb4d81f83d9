"""GlaS (Warwick-QU, MICCAI 2015): 85 training images, 60 of test A and 20 of test B, in one folder with `Grade.csv`."""

import csv
import io
import re
from pathlib import Path, PurePosixPath

from ...checks import RequestError
from ..images import IMAGE_SUFFIXES
from ..record import Record
from ..source_file import SourceFile, source_files

MPP = 0.62  # scanned at 0.465 µm a pixel, published at 20x

_NAME = re.compile(r"(train|testA|testB)_\d+")
_MASK = "_anno"


def read(source: Path) -> list[Record]:
    """Find the release's images, masks and patients.

    Args:
        source: The zip as downloaded, or a directory that holds it unpacked, at any depth.

    Returns:
        One record an image; test sections are `testA` and `testB` as far as they are there.

    Raises:
        RequestError: No training image, a file found twice, a mask without its image, or an image that
            `Grade.csv` does not list. A missing mask is left for the checks that all data sets share.
    """
    images: dict[str, SourceFile] = {}
    masks: dict[str, SourceFile] = {}
    grades = []
    for name, file in source_files(source).items():
        stem, is_mask = file.stem.removesuffix(_MASK), file.stem.endswith(_MASK)
        if PurePosixPath(name).name == "Grade.csv":
            grades.append(file)
        elif _NAME.fullmatch(stem) and file.suffix in IMAGE_SUFFIXES:
            found = masks if is_mask else images
            if stem in found:
                raise RequestError(f"{source}: {file.stem} is there twice, {found[stem]} and {file}; wanted once")
            found[stem] = file
    if not any(name.startswith("train_") for name in images):
        raise RequestError(f"{source}: no GlaS training image found, wanted train_1.bmp and so on at any depth")
    if lonely := sorted(masks.keys() - images.keys()):
        raise RequestError(f"{masks[lonely[0]]}: a mask without its image, wanted {lonely[0]}.bmp beside it")
    if len(grades) > 1:
        raise RequestError(f"{source}: Grade.csv is there twice, {grades[0]} and {grades[1]}; wanted once")
    patients = _patients(grades[0]) if grades else {}
    if grades and (unlisted := sorted(images.keys() - patients.keys())):
        raise RequestError(f"{grades[0]}: no line for {unlisted[0]}, wanted the patient of each image")
    return [
        Record(
            id=name,
            section="training" if name.startswith("train_") else name.split("_")[0],
            image=file,
            label=masks.get(name),
            patient=patients.get(name, ""),
        )
        for name, file in images.items()
    ]


def _patients(grade: SourceFile) -> dict[str, str]:
    """Patient by image name. The file has CRLF line ends and blanks before its fields."""
    rows = csv.reader(io.StringIO(grade.read().decode("utf-8-sig", errors="replace")), skipinitialspace=True)
    header = [field.strip().lower() for field in next(rows, [])]
    if header[:2] != ["name", "patient id"]:
        raise RequestError(f"{grade}: found the columns {header[:2]}, wanted name and patient ID first")
    return {row[0].strip(): row[1].strip() for row in rows if len(row) > 1 and row[1].strip()}
