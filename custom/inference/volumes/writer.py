"""Results of the organs found in volumes: label files in the input's own grid, outlines, and a table of all organs.

Axes: t tasks; x, y, z of a volume as its file has it.
"""

from __future__ import annotations

import csv
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.data.utils import affine_to_spacing

from ...data.source_file import SourceFile
from ...data.volumes.decode import is_volume
from ...data.volumes.nifti import open_nifti
from ...drawing.volume import volume_overlay
from ...files import replacing, write_image
from ...geometry.volume import to_ras
from ...targets.organ_task import TaskTable, channels, organs
from ..result_writer import ResultWriter

# Most programs read int32, and few uint32.
_KINDS = (np.uint8, np.uint16, np.int32)
# What a NIfTI header says of where a volume lies.
_OF_SPACE = (
    "pixdim", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z",
    "srow_x", "srow_y", "srow_z", "xyzt_units",
)  # fmt: skip


class VolumeWriter(ResultWriter):
    """Handler that writes, for each volume of an inference run and each task, its organs.

    `<stem>_<task>.nii.gz` holds the data set's own label ids (uint8, or as many bits as the ids need), in the grid,
    orientation and affine of the input and, of a NIfTI file, with its units and codes, but none of its texts;
    `<stem>_<task>_overlay.png` shows three slices; at the end `organs.csv`, a row an organ of each volume and task,
    also where none was found. Rows that an earlier run left there, of other volumes or tasks, stay.

    Args:
        inputs: As in `ResultWriter`.
        output_dir: As in `ResultWriter`.
        tasks: The task table: name to `labels` (id to organ).
        names: The tasks that are predicted.
        input_dir: As in `ResultWriter`.

    Raises:
        RequestError: If two inputs share an output name, an output would replace an input, or an input lies elsewhere.
    """

    what = "volume"
    table = "organs.csv"
    columns = ("case", "task", "organ", "id", "voxels", "millilitres")

    def __init__(
        self,
        inputs: Sequence[str | os.PathLike[str]],
        output_dir: str | os.PathLike[str],
        tasks: TaskTable,
        names: Sequence[str],
        input_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        endings = [f"_{name}{kind}" for name in names for kind in (".nii.gz", "_overlay.png")]
        super().__init__(inputs, output_dir, input_dir, endings, names)
        self.tasks = dict(tasks)

    def write(self, path: Path, item: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Write one volume's organs.

        The item holds `image` (1, x, y, z) in [0, 1] with its affine, `pred` (t, x, y, z) with channel numbers, and
        `tasks`, the names of those t.
        """
        for predicted, task in zip(item["pred"], item["tasks"], strict=True):
            yield task, self._write_one(path, task, item["image"], predicted)

    def earlier(self) -> list[dict[str, Any]]:
        """Rows that an earlier run left, but for those of this run's volumes and tasks."""
        path = self.output_dir / self.table
        if not path.is_file():
            return []
        try:
            with open(path, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except (OSError, ValueError, csv.Error):
            rows = [{}]
        if any(set(row) != set(self.columns) for row in rows):
            logging.getLogger(__name__).warning("%s: was no table of organs, and was replaced", path)
            return []
        again = {(self.name_of(source), task) for source in self.stems for task in self._parts}
        return [row for row in rows if (row["case"], row["task"]) not in again]

    def _write_one(self, path: Path, task: str, image: Any, predicted: Any) -> list[dict[str, Any]]:
        names = organs(self.tasks[task])
        found = np.asarray(torch.as_tensor(predicted).cpu()).astype(np.uint8)
        if found.max(initial=0) > len(names):
            raise ValueError(f"found the channel {found.max()}, wanted at most {len(names)}, as {task} has organs")
        ids = np.array(list(channels(self.tasks[task])))
        ids = ids.astype(next(kind for kind in _KINDS if ids.max() <= np.iinfo(kind).max))
        affine = np.asarray(image.affine, dtype=np.float64).reshape(-1, 4, 4)[0]
        stem = self.stems[path]
        with replacing(stem.with_name(f"{stem.name}_{task}.nii.gz")) as temporary:
            nib.save(_labels(ids[found], affine, path), temporary)
        turned, seen = to_ras(image, affine), to_ras(torch.from_numpy(found)[None], affine)
        spacing = [float(step) for step in affine_to_spacing(turned.affine, r=3)]
        picture = volume_overlay(turned.cpu().numpy()[0], seen.numpy()[0], None, spacing, names)
        write_image(stem.with_name(f"{stem.name}_{task}_overlay.png"), picture)
        counts = np.bincount(found.ravel(), minlength=len(ids))
        millilitres = abs(np.linalg.det(affine[:3, :3])) / 1000
        case = self.name_of(path)
        return [
            dict(
                zip(
                    self.columns,
                    (case, task, organ, int(number), int(count), f"{count * millilitres:.3f}"),
                    strict=True,
                )
            )
            for number, organ, count in zip(ids[1:], names, counts[1:], strict=True)
        ]


def _labels(ids: np.ndarray, affine: np.ndarray, source: Path) -> nib.Nifti1Image:
    """Labels as NIfTI, with what the input's header says of space and nothing else: a header may name the patient."""
    if not is_volume(SourceFile(source)):
        volume = nib.Nifti1Image(ids, affine)
        volume.header.set_xyzt_units("mm")
        return volume
    given = open_nifti(SourceFile(source))
    header = type(given.header)()
    for field in _OF_SPACE:
        header[field] = given.header[field]
    header["pixdim"][4:] = 1
    header.set_data_dtype(ids.dtype)
    # Without an affine of its own, the image keeps both forms of the header as they are.
    return type(given)(ids, None, header)
