"""Glands as objects of QuPath's. Coordinates are x y in pixels of the picture; pixel (0, 0) covers [0, 1) x [0, 1)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from skimage.measure import find_contours, regionprops

from ...drawing.colours import PREDICTION

_MEASUREMENTS = {
    "area_um2": "Area um^2",
    "perimeter_um": "Perimeter um",
    "eccentricity": "Eccentricity",
    "solidity": "Solidity",
    "mean_probability": "Mean probability",
}
# Ids that stay the same for one picture and gland let QuPath see that a file is imported again.
_GLAND = uuid.uuid5(uuid.NAMESPACE_URL, "gland")


def glands_as_geojson(ids: np.ndarray, picture: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The glands of a picture as annotations, a polygon each; `data.tiles.qupath.rasterise` gives the same ids back.

    Args:
        ids: (h, w) ids from 1, each one 4-connected piece without holes, as `targets.instances` gives them.
        picture: Its name, from which the objects' ids are made.
        rows: What the table says of each gland, in the order of the ids.

    Returns:
        A FeatureCollection, a gland a line.
    """
    features = [
        _feature(outline(region), picture, row) for region, row in zip(regionprops(ids), rows, strict=True)
    ]  # fmt: skip
    lines = ",\n".join(json.dumps(feature, separators=(",", ":"), ensure_ascii=False) for feature in features)
    return f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n'


def outline(region: Any) -> list[list[float]]:
    """The outline of a gland, between its pixels' centres and its neighbours', so that no centre changes sides.

    Args:
        region: As `regionprops` gives it; in one 4-connected piece.

    Returns:
        A closed ring of x y, without points on straight lines.
    """
    # A frame of background closes outlines at the border. "low": pieces of background meet at corners, glands do not.
    contours = find_contours(np.pad(region.image, 1).astype(np.uint8), 0.5, fully_connected="low")
    ring = max(contours, key=lambda one: np.ptp(one, axis=0).prod())[:-1]
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    bends = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
    # Half a pixel from centres to corners, less the frame.
    points = (ring[bends] + np.asarray(region.bbox[:2]) - 0.5)[:, ::-1]
    return [*points.tolist(), points[0].tolist()]


def _feature(ring: list[list[float]], picture: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(_GLAND, f"{picture}#{row['id']}")),
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "objectType": "annotation",
            "name": str(row["id"]),
            # QuPath takes a class with a name only if it has a colour too.
            "classification": {"name": "Gland", "color": [int(value) for value in PREDICTION]},
            "measurements": {name: float(row[key]) for key, name in _MEASUREMENTS.items()},
        },
    }
