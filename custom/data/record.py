from dataclasses import dataclass

from .source_file import SourceFile


@dataclass(frozen=True)
class Record:
    """One image of a data set as its owner ships it, before any split.

    Args:
        id: Unique in the data set, and fit for a file name.
        section: `training`, `unlabelled` or a test section.
        image: The image's file.
        label: The mask's file; None for an image that has none.
        patient: Empty where unknown.
        modality: Of a volume; empty for pictures.
        mpp: Size of a pixel in µm, where it is known for this very image.
    """

    id: str
    section: str
    image: SourceFile
    label: SourceFile | None
    patient: str = ""
    modality: str = ""
    mpp: float | None = None
