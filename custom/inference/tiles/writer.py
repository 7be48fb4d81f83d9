"""Results of the glands found in pictures: ids, outlines, probability, and a table of all glands.

Axes: c channels, w and h pixels; the engine's tensors are (c, w, h), files and arrays here (h, w).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from skimage.measure import regionprops

from ...drawing.tile import tile_overlay
from ...files import write_image, write_text
from ...geometry.axes import as_files_hold_it, picture
from ...targets.instances import instances
from ...targets.maps import gland_mask, gland_probability
from ..result_writer import ResultWriter
from .geojson import glands_as_geojson

# What `write` may leave of a picture, after its name.
ENDINGS = ("_mask.png", "_instances.png", "_overlay.png", "_probability.png", "_glands.geojson")


class TileWriter(ResultWriter):
    """Handler that writes, for each picture of an inference run, its glands.

    `<stem>_mask.png` (0 and 255), `<stem>_instances.png` (16 bits, ids 1..N), `<stem>_overlay.png` (outlines),
    `<stem>_glands.geojson` (for QuPath), with `probability` also `<stem>_probability.png` (8 bits, 255 is certain); at
    the end `glands.csv`, a row a gland. All of one picture, or nothing, is written by this one handler, so that a name
    is made in one place only.

    Args:
        inputs: As in `ResultWriter`.
        output_dir: As in `ResultWriter`.
        mpp: Size of a pixel of the pictures in µm.
        distance_um: As in `targets.instances`.
        min_area_um2: Smaller glands are left out.
        input_dir: As in `ResultWriter`.
        probability: Whether to write the probability too.
        maps_key: Where an item holds the network's maps (5, w, h), at the picture's own size.

    Raises:
        RequestError: If two inputs share an output name, an output would replace an input, or an input lies elsewhere.
    """

    what = "picture"
    table = "glands.csv"
    columns = ("image", "id", "area_um2", "centroid_x_px", "centroid_y_px", "perimeter_um", "eccentricity", "solidity",
               "mean_probability")  # fmt: skip

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
        super().__init__(inputs, output_dir, input_dir, ENDINGS)
        self.mpp = mpp
        self.distance_um = distance_um
        self.min_area_um2 = min_area_um2
        self.probability = probability
        self.maps_key = maps_key

    def write(self, path: Path, item: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Write one picture's glands; the item holds `image` (3, w, h) in [0, 1], and the maps."""
        maps = as_files_hold_it(item[self.maps_key]).astype(np.float32)
        ids = instances(maps, self.mpp, self.distance_um, self.min_area_um2)
        if ids.max(initial=0) > np.iinfo(np.uint16).max:
            raise ValueError(f"found {ids.max()} glands, wanted at most 65535: 16 bits hold no more ids")
        probability = gland_probability(maps)
        stem, name = self.stems[path], self.name_of(path)
        results = {
            "mask": gland_mask(maps).astype(np.uint8) * 255,
            "instances": ids.astype(np.uint16),
            "overlay": tile_overlay(picture(item["image"]), ids),
        }
        if self.probability:
            results["probability"] = np.round(255 * probability).astype(np.uint8)
        rows = [_measures(region, name, self.mpp) for region in regionprops(ids, probability)]
        for kind, result in results.items():
            write_image(stem.with_name(f"{stem.name}_{kind}.png"), result)
        write_text(stem.with_name(f"{stem.name}_glands.geojson"), glands_as_geojson(ids, name, rows))
        yield "", rows


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
