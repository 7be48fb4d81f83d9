"""Results of the organs found in volumes: label files in the input's own grid, outlines, and a table of all organs.

Axes: t tasks; x, y, z of a volume as its file has it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.data.utils import affine_to_spacing

from ...drawing.volume import volume_overlay
from ...files import replacing, write_image
from ...geometry.volume import to_ras
from ...targets.organ_task import TaskTable, channels, organs
from ..result_writer import ResultWriter

_NIFTI = (".nii", ".nii.gz")


class VolumeWriter(ResultWriter):
    """Handler that writes, for each volume of an inference run and each task, its organs.

    `<stem>_<task>.nii.gz` holds the data set's own label ids (uint8; uint16 where an id is above 255), in the grid,
    orientation and affine of the input and, of a NIfTI file, with its units and codes; `<stem>_<task>_overlay.png`
    shows three slices; at the end `organs.csv`, a row an organ of each volume and task, also where none was found.

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

    def _write_one(self, path: Path, task: str, image: Any, predicted: Any) -> list[dict[str, Any]]:
        names = organs(self.tasks[task])
        found = np.asarray(torch.as_tensor(predicted).cpu()).astype(np.uint8)
        if found.max(initial=0) > len(names):
            raise ValueError(f"found the channel {found.max()}, wanted at most {len(names)}, as {task} has organs")
        ids = np.array(list(channels(self.tasks[task])))
        ids = ids.astype(np.uint8 if ids.max() <= np.iinfo(np.uint8).max else np.uint16)
        affine = np.asarray(image.affine, dtype=np.float64).reshape(-1, 4, 4)[0]
        stem = self.stems[path]
        with replacing(stem.with_name(f"{stem.name}_{task}.nii.gz")) as temporary:
            nib.save(_volume(ids[found], affine, path), temporary)
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


def _volume(ids: np.ndarray, affine: np.ndarray, source: Path) -> nib.Nifti1Image:
    """Labels as NIfTI, with what the input's header says of space: units, and codes of its two affines."""
    if not source.name.lower().endswith(_NIFTI):
        volume = nib.Nifti1Image(ids, affine)
        volume.header.set_xyzt_units("mm")
        return volume
    given: Any = nib.load(source)
    header = given.header.copy()
    header.set_data_dtype(ids.dtype)
    header.set_slope_inter(1, 0)
    header["cal_min"], header["cal_max"] = 0, 0  # the window of the image's own values
    header["descrip"] = b""
    kind = nib.Nifti2Image if isinstance(given, nib.Nifti2Image) else nib.Nifti1Image
    # The file's own affine, where it is the image's: what is handed on has been through other types.
    same = np.allclose(affine, given.affine, atol=1e-4)
    return kind(ids, given.affine if same else affine, header)
