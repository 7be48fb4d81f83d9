"""A prepared data set of tiles, as training and evaluation use it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence

from ...checks import RequestError
from .. import datalist
from ..datalist import SECTIONS, Item, record_of
from ..images import IMAGE_SUFFIXES
from ..pixel_size import check_mpp, check_same
from ..prepared import check_items
from .pair import load_pair


class TileSet:
    """What `prepare` wrote of tiles; its `datalist.json` is read once.

    Args:
        dataset_dir: The directory that `prepare` wrote.

    Attributes:
        mean: Mean of the training images' channels, in [0, 1].
        std: Their standard deviation.
        fingerprint: What tells the data set from others.
        trained_patients: Whose images are learnt from.

    Raises:
        RequestError: The directory or the list is missing, or the list is not as it should be.
    """

    def __init__(self, dataset_dir: str | os.PathLike[str]) -> None:
        self._list = datalist.read(dataset_dir)
        if "modalities" in self._list.head:
            raise RequestError(f"{self._list.path}: holds volumes, wanted tiles; volumes are for train_organ.json")
        self._mpp, self.mean, self.std = (self._list.head.get(key) for key in ("mpp", "mean", "std"))
        self.fingerprint = self._list.fingerprint
        self.trained_patients = self._list.trained_patients
        if self._mpp is not None:
            check_mpp(self._mpp, f"{self._list.path}, mpp")

    @property
    def mpp(self) -> float:
        """Size of a pixel in µm.

        Raises:
            RequestError: The list does not say.
        """
        if self._mpp is None:
            raise RequestError(f"{self._list.path}: has no mpp, wanted the µm a pixel there or as --mpp")
        return float(self._mpp)

    @property
    def test_section(self) -> str:
        """The first test section.

        Raises:
            RequestError: There is none.
        """
        if not self._list.test_sections:
            raise RequestError(f"{self._list.path}: has no test section, wanted one, or --test_section validation")
        return self._list.test_sections[0]

    def items(self, section: str, needed: bool = False) -> list[Item]:
        """The items of one section, ready for a MONAI data set.

        Args:
            section: `training`, `unlabelled`, `validation` or a test section.
            needed: Whether it is an error if it is empty.

        Returns:
            Items with absolute paths under `image` and `label` (never a label in `unlabelled`), and `id` and `patient`.

        Raises:
            RequestError: There is no such section, it is empty though needed, or a file is missing.
        """
        if section not in (*self._list.sections, *SECTIONS):
            wanted = f"wanted one of {', '.join(self._list.sections)}"
            raise RequestError(f"{self._list.path}: no section {section!r}, {wanted}")
        items = self._list.items(section)
        if needed and not items:
            raise RequestError(f"{self._list.path}: found no image in {section!r}, wanted at least one")
        return items

    def check(self, sections: Sequence[str] = SECTIONS) -> None:
        """Look at every file that will be used, and log what there is.

        Args:
            sections: Those that will be used; `training` must not be empty.

        Raises:
            RequestError: There is nothing to train on, a file is missing or broken, or a mask is not of its image's
                size; names the first of them.
        """
        if missing := [key for key in ("mean", "std") if key not in self._list.head]:
            wanted = "wanted that of the training images' channels, in [0, 1], as prepare writes it"
            raise RequestError(f"{self._list.path}: found no {missing[0]}, {wanted}")
        counts = {section: len(self.items(section, needed=section == "training")) for section in sections}
        listed = ", ".join(f"{section} {count or 'empty'}" for section, count in counts.items())
        logging.getLogger(__name__).info("%s: %s", self._list.folder, listed)
        check_items(self._list, sections, "image", self._open)

    def _open(self, item: Item) -> Iterable[str]:
        record = record_of(item)
        if record.label is not None and record.label.suffix not in IMAGE_SUFFIXES:
            wanted = "wanted a mask image; prepare makes one of it"
            raise RequestError(f"{record.label}: found {record.label.suffix or 'no suffix'} in a data list, {wanted}")
        pair = load_pair(record, prepared=True)
        check_same(record.image, pair.image.mpp, self._mpp)
        return pair.notes
