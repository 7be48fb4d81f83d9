"""Results of the glands found in pictures: ids, outlines, probability, and a table of all glands.

Axes: c channels, w and h pixels; the engine's tensors are (c, w, h), files and arrays here (h, w).
"""

from __future__ import annotations

import csv
import io
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from skimage.measure import regionprops

from ..targets.instances import instances
from .files import write_image, write_text
from .items import as_files_hold_it, gland_probability, items, picture
from .output_names import output_stems
from .overlay import overlay

_COLUMNS = ("image", "id", "area_um2", "centroid_x_px", "centroid_y_px", "perimeter_um", "eccentricity", "solidity",
            "mean_probability")  # fmt: skip


class TileWriter:
    """Handler that writes, for each picture of an inference run, its glands.

    `<stem>_instances.png` (16 bits, ids 1..N), `<stem>_overlay.png` (outlines), with `probability` also
    `<stem>_probability.png` (8 bits, 255 is certain); at the end `glands.csv`, a row a gland. The mask itself is
    written by MONAI's `SaveImaged`. One picture that fails does not stop the others: it is named at the end, and stands
    in `failed`.

    Args:
        inputs: All pictures asked for; one that never arrives here counts as failed.
        output_dir: Where results go.
        mpp: Size of a pixel of the pictures in µm.
        distance_um: As in `targets.instances`.
        min_area_um2: Smaller glands are left out.
        input_dir: The folder that the inputs' own folders are counted from; None: the one all inputs lie in.
        probability: Whether to write the probability too.
        maps_key: Where an item holds the network's maps (5, w, h), at the picture's own size.

    Raises:
        RequestError: If two inputs share an output name, an output would replace an input, or an input lies elsewhere.
    """

    def __init__(
        self,
        inputs: Sequence[str | os.PathLike[str]],
        output_dir: str | os.PathLike[str],
        mpp: float,
        distance_um: float | None,
        min_area_um2: float = 500.0,
        input_dir: str | os.PathLike[str] | None = None,
        probability: bool = False,
        maps_key: str = "maps",
    ) -> None:
        if input_dir is None and inputs:
            input_dir = os.path.commonpath([Path(path).resolve().parent for path in inputs])
        self.stems = {
            Path(path).resolve(): stem for path, stem in output_stems(inputs, output_dir, input_dir or ".").items()
        }
        self.output_dir = Path(output_dir)
        self.mpp = mpp
        self.distance_um = distance_um
        self.min_area_um2 = min_area_um2
        self.probability = probability
        self.maps_key = maps_key
        self.failed: dict[str, str] = {}
        self._glands: dict[Path, list[dict[str, Any]]] = {}

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator.

        Args:
            engine: The evaluator; its items hold `image` (3, w, h) in [0, 1] with the name of its file, and the maps.
        """
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._write)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def _write(self, engine: Engine) -> None:
        for item in items(engine):
            path = Path(item["image"].meta["filename_or_obj"]).resolve()
            try:
                self._glands[path] = self._write_one(path, item)
            except (OSError, ValueError) as error:
                self.failed[str(path)] = str(error)

    def _write_one(self, path: Path, item: dict[str, Any]) -> list[dict[str, Any]]:
        maps = as_files_hold_it(item[self.maps_key]).astype(np.float32)
        ids = instances(maps, self.mpp, self.distance_um, self.min_area_um2)
        if ids.max(initial=0) > np.iinfo(np.uint16).max:
            raise ValueError(f"found {ids.max()} glands, wanted at most 65535: 16 bits hold no more ids")
        probability = gland_probability(maps)
        stem = self.stems[path]
        results = {"instances": ids.astype(np.uint16), "overlay": overlay(picture(item["image"]), ids)}
        if self.probability:
            results["probability"] = np.round(255 * probability).astype(np.uint8)
        for kind, result in results.items():
            write_image(stem.with_name(f"{stem.name}_{kind}.png"), result)
        name = stem.relative_to(self.output_dir.resolve()).parent / path.name
        return [_measures(region, name.as_posix(), self.mpp) for region in regionprops(ids, probability)]

    def _finish(self, _: Engine) -> None:
        text = io.StringIO()
        table = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        table.writeheader()
        for path in self.stems:
            table.writerows(self._glands.get(path, []))
            if path not in self._glands:
                self.failed.setdefault(str(path), "the picture could not be read")
        write_text(self.output_dir / "glands.csv", text.getvalue())
        number, done = sum(map(len, self._glands.values())), len(self._glands)
        logging.getLogger(__name__).info("%d glands in %d pictures: %s", number, done, self.output_dir)
        if self.failed:
            listed = "; ".join(f"{path}: {reason}" for path, reason in self.failed.items())
            logging.getLogger(__name__).error("%d of %d pictures failed: %s", len(self.failed), len(self.stems), listed)


def _measures(region: Any, name: str, mpp: float) -> dict[str, Any]:
    y, x = region.centroid
    return {
        "image": name,
        "id": region.label,
        "area_um2": f"{region.area * mpp**2:.2f}",
        "centroid_x_px": f"{x:.2f}",
        "centroid_y_px": f"{y:.2f}",
        "perimeter_um": f"{region.perimeter * mpp:.2f}",
        "eccentricity": f"{region.eccentricity:.4f}",
        "solidity": f"{region.solidity:.4f}",
        "mean_probability": f"{region.intensity_mean:.4f}",
    }
