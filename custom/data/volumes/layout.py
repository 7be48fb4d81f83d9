"""The files of a data set of volumes, found as its declaration says."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ...checks import RequestError, raise_problems
from ..images import IMAGE_SUFFIXES
from ..record import Record
from ..source_file import SourceFile, source_files
from .declaration import CASE, FRAME, Declaration, FolderPair

VOLUME_SUFFIXES = (".nii.gz", ".nii")
_ANY = ".*"
_ALL = " ".join(VOLUME_SUFFIXES + IMAGE_SUFFIXES)
_BESIDE = {".json", ".csv", ".tsv", ".txt", ".md", ".pdf", ".xlsx"}  # what owners put among their volumes


def find(source: Path, declaration: Declaration) -> list[Record]:
    """Pair each image with its label.

    The id is the image's name without its suffix, and without the channel number `_0000` where the layout has it; where
    only the folder's name tells cases apart, it is that.

    Args:
        source: The zip as downloaded, or a directory that holds it unpacked, at any depth.
        declaration: Where the files are, which case is of which modality, and of which patient.

    Returns:
        One record an image, each with its patient and modality.

    Raises:
        RequestError: No image, an image or label without the other, a file that does not fit the layout, a case of no
            modality or patient, an id twice, or the layout found in two places.
    """
    files = source_files(source)
    root = _root(source, files, declaration)
    below = {name.removeprefix(root): file for name, file in files.items() if name.startswith(root)}
    records: list[Record] = []
    cases = 0
    problems: list[str] = []
    for pair in declaration.layout:
        images = _cases(below, pair.images)
        labels = {} if pair.labels is None else _cases(below, pair.labels)
        cases += len(images.keys() | labels.keys())
        problems += _misfits(below, declaration.layout, pair)
        problems += _lonely(images, labels, pair)
        for case, file in images.items():
            try:
                modality, patient = declaration.modality_of(case), declaration.patient_of(case)
            except RequestError as error:
                problems.append(f"{file}: {error}")
                continue
            records.append(
                Record(_id(case, file, pair.images), pair.section, file, labels.get(case), patient, modality)
            )
    first: dict[str, Record] = {}
    for record in records:
        if first.setdefault(record.id, record) is not record:
            problems.append(f"{record.image}: has the id {record.id} of {first[record.id].image}, wanted it unique")
    raise_problems(list(dict.fromkeys(problems)), cases, "volumes")
    return records


def _root(source: Path, files: Iterable[str], declaration: Declaration) -> str:
    """The folder, with its `/`, that the layout is below: the least deep one that holds a labelled image."""
    labelled = [pair for pair in declaration.layout if pair.labels]
    patterns = [_pattern(pair.images) for pair in labelled]
    found = {match["root"] for name in files for pattern in patterns if (match := pattern.fullmatch(name))}
    if not found:
        wanted = " or ".join(
            dict.fromkeys(_starred(pair.images) for pair in labelled if pair.section == labelled[0].section)
        )
        if any(pair.images.endswith(_ANY) for pair in labelled):
            wanted += f" ({_ALL})"
        found_none = f"found no image of {declaration.name}{_instead(files)}"
        raise RequestError(f"{source}: {found_none}, wanted {wanted} at any depth")
    depth = min(root.count("/") for root in found)
    least = sorted(root for root in found if root.count("/") == depth)
    if len(least) > 1:
        raise RequestError(
            f"{source}: found {declaration.name} twice, in {least[0]} and {least[1]}; give one as --source"
        )
    return least[0]


def _starred(path: str) -> str:
    return path.replace(CASE, "*").replace(FRAME, "*")


def _named(path: str, case: str) -> str:
    """The path of a case, which ends in the frame's number where the layout has frames."""
    if FRAME not in path:
        return path.replace(CASE, case)
    name, _, frame = case.rpartition("_")
    return path.replace(CASE, name).replace(FRAME, frame)


def _instead(files: Iterable[str]) -> str:
    """What there is of other kinds, as the end of a sentence."""
    others = [name for name in files if PurePosixPath(name).suffix.lower() not in (*_BESIDE, ".cfg")]
    strange = [name for name in others if not name.lower().endswith(VOLUME_SUFFIXES + IMAGE_SUFFIXES)]
    shown = (strange or others)[:1]
    return f" but such as {shown[0]}" if shown else ""


def _id(case: str, file: SourceFile, path: str) -> str:
    name = PurePosixPath(path).name
    if CASE not in name:
        return case
    return file.stem.removesuffix("_0000") if "_0000" in name else file.stem


def _pattern(path: str) -> re.Pattern[str]:
    """`imagesTr/amos_{case}.nii.gz` as a regular expression with the groups `root`, `case` and perhaps `frame`."""
    any_kind = path.endswith(_ANY)
    text = re.escape(path.removesuffix(_ANY if any_kind else ""))
    for one, group in ((CASE, r"(?P<case>[^/]+?)"), (FRAME, r"(?P<frame>\d+)")):
        first, *others = text.split(re.escape(one))
        again = f"(?P={one.strip('{}')})"
        text = first + (group + again.join(others) if others else "")
    if any_kind:
        text += f"(?i:{'|'.join(map(re.escape, VOLUME_SUFFIXES + IMAGE_SUFFIXES))})"
    return re.compile(f"(?P<root>(?:[^/]+/)*){text}")


def _cases(below: dict[str, SourceFile], path: str) -> dict[str, SourceFile]:
    found: dict[str, SourceFile] = {}
    pattern = _pattern(path)
    for name, file in below.items():
        match = pattern.fullmatch(name)
        if match is None or match["root"]:
            continue
        case = "_".join(match.groupdict()[group] for group in ("case", "frame") if group in match.groupdict())
        if case in found:
            raise RequestError(f"{file}: has the same name as {found[case]}, wanted one file a name")
        found[case] = file
    return found


def _misfits(below: dict[str, SourceFile], layout: Iterable[FolderPair], pair: FolderPair) -> list[str]:
    """Files that lie among the images or labels and would be passed over in silence."""
    patterns = [_pattern(path) for entry in layout for path in (entry.images, entry.labels) if path]
    problems = []
    for path in filter(None, (pair.images, pair.labels)):
        folder = str(PurePosixPath(path).parent)
        for name, file in below.items():
            beside = str(PurePosixPath(name).parent) == folder and CASE not in folder and file.suffix not in _BESIDE
            if beside and not any((match := one.fullmatch(name)) and not match["root"] for one in patterns):
                wanted = _starred(path)
                if wanted.endswith(_ANY):
                    wanted += f" ({_ALL})"
                problems.append(f"{file}: does not fit the layout, wanted {wanted}")
    return problems


def _lonely(images: dict[str, SourceFile], labels: dict[str, SourceFile], pair: FolderPair) -> list[str]:
    problems = []
    for case, file in labels.items():
        if case not in images:
            near = difflib.get_close_matches(case, images, n=1, cutoff=0.0)
            hint = f"; the nearest image is {images[near[0]]}" if near else ""
            problems.append(f"{file}: a label without its image, wanted {_named(pair.images, case)}{hint}")
    if pair.labels is not None:
        for case, file in images.items():
            if case not in labels:
                problems.append(f"{file}: no label of this name found, wanted {_named(pair.labels, case)}")
    return problems
