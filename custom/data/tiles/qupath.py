"""QuPath's GeoJSON to instance ids. Coordinates are x y in pixels of the image; pixel (0, 0) covers [0, 1) x [0, 1)."""

import gzip
import json
import zlib
from collections import Counter
from typing import Any

import numpy as np
from skimage.draw import polygon2mask

from ...checks import RequestError
from ..source_file import SourceFile

SUFFIXES = (".geojson", ".json", ".geojson.gz")

# QuPath's other objects are no annotations: grid tiles, cores of a tissue array, the image itself.
_NOT_OBJECTS = ("tile", "tmaCore", "root")
_AREAS = ("Polygon", "MultiPolygon")
_Ring = np.ndarray


def rasterise(file: SourceFile, shape: tuple[int, int]) -> tuple[np.ndarray, list[str]]:
    """Draw each polygon object as one instance; holes stay background.

    A pixel belongs to an object if its centre lies inside. Objects of a class whose name ends with `*` are left out,
    as QuPath itself ignores them. Where objects overlap the smaller one is on top.

    Args:
        file: A FeatureCollection, an array of Features, a Feature or a bare geometry; may be compressed by gzip.
        shape: (h, w) of the image.

    Returns:
        (h, w) int64 ids from 1, and remarks on what was left out or taken together.

    Raises:
        RequestError: The file cannot be read, a polygon is broken, or an object lies outside the image.
    """
    remarks, classes, skipped = [], Counter[str](), Counter[str]()
    objects: list[list[list[_Ring]]] = []
    for feature in _features(file):
        geometry, name = _geometry(file, feature), _class_name(feature)
        if geometry["type"] not in _AREAS:
            skipped[geometry["type"]] += 1
        elif name.endswith("*"):
            skipped[name] += 1
        else:
            classes[name or "no class"] += 1
            objects.append(_polygons(file, geometry, shape))
    if skipped:
        remarks.append(f"left out: {_counted(skipped)}")
    if len(classes) > 1:
        # Benign and malignant glands are both glands; stroma is not: only the user can tell.
        remarks.append(f"all taken for glands: {_counted(classes)}")
    masks = [_draw(polygons, shape) for polygons in objects]
    ids = np.zeros(shape, np.int64)
    for index in sorted(range(len(masks)), key=lambda index: (-int(masks[index][1].sum()), index)):
        corner, mask = masks[index]
        window = tuple(slice(start, start + size) for start, size in zip(corner, mask.shape, strict=True))
        ids[window][mask] = index + 1
    if lost := len(objects) - np.count_nonzero(np.unique(ids)):
        remarks.append(f"{lost} objects cover no pixel of their own")
    return ids, remarks


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in names.most_common())


def _features(file: SourceFile) -> list[dict[str, Any]]:
    content = file.read()
    try:
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        data = json.loads(content.decode("utf-8-sig"))
    except (OSError, EOFError, zlib.error) as error:
        raise RequestError(f"{file}: broken or truncated gzip ({error})") from error
    except ValueError as error:
        raise RequestError(f"{file}: not JSON ({error}), wanted GeoJSON as QuPath exports it") from error
    if isinstance(data, dict) and data.get("type") == "FeatureCollection":
        data = data.get("features")
    elif isinstance(data, dict):
        data = [data]
    if not isinstance(data, list) or not all(isinstance(one, dict) and "type" in one for one in data):
        raise RequestError(f"{file}: not GeoJSON, wanted a FeatureCollection, an array of Features or one Feature")
    return [one for one in data if _properties(one).get("objectType") not in _NOT_OBJECTS]


def _properties(feature: dict[str, Any]) -> dict[str, Any]:
    properties = feature.get("properties")
    return properties if isinstance(properties, dict) else {}


def _class_name(feature: dict[str, Any]) -> str:
    """`classification` is a string, or an object with `name` or `names`."""
    found = _properties(feature).get("classification")
    if isinstance(found, dict):
        names = found.get("names")
        found = ": ".join(map(str, names)) if isinstance(names, list) else found.get("name")
    return str(found or "")


def _geometry(file: SourceFile, feature: dict[str, Any]) -> dict[str, Any]:
    geometry = feature.get("geometry") if feature["type"] == "Feature" else feature
    if not isinstance(geometry, dict) or "coordinates" not in geometry or "type" not in geometry:
        raise RequestError(f"{file}: found an object of type {feature['type']!r} without a geometry")
    return geometry


def _polygons(file: SourceFile, geometry: dict[str, Any], shape: tuple[int, int]) -> list[list[_Ring]]:
    """Polygons of rings of (n, 2) x y, the first ring of each its outline, the others its holes."""
    parts = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    try:
        polygons = [[np.asarray(ring, dtype=float)[:, :2] for ring in rings] for rings in parts]
    except (ValueError, TypeError, IndexError) as error:
        raise RequestError(f"{file}: found a polygon whose coordinates are no lists of x y") from error
    rings = [ring for polygon in polygons for ring in polygon]
    if not rings or any(len(ring) < 4 or not np.isfinite(ring).all() for ring in rings):
        raise RequestError(f"{file}: found a ring with fewer than 4 points or no numbers, wanted closed rings")
    points = np.concatenate(rings)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    height, width = shape
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        raise RequestError(
            f"{file}: found an object at x {left:.0f} to {right:.0f}, y {top:.0f} to {bottom:.0f}, outside the image "
            f"of {width} x {height}; wanted the coordinates of this very image, not of the slide it was cut from"
        )
    return polygons


def _draw(polygons: list[list[_Ring]], shape: tuple[int, int]) -> tuple[tuple[int, int], np.ndarray]:
    """The object's mask within its bounding box, and the box's corner (y, x), cut to the image."""
    points = np.concatenate([ring for polygon in polygons for ring in polygon])
    low = np.clip(np.floor(points.min(axis=0)).astype(int), 0, None)
    high = np.minimum(np.ceil(points.max(axis=0)).astype(int), (shape[1], shape[0]))
    corner, size = (int(low[1]), int(low[0])), (int(high[1] - low[1]), int(high[0] - low[0]))
    mask = np.zeros(size, bool)
    for outline, *holes in polygons:
        # skimage has pixel centres at whole numbers, QuPath half a pixel further.
        part = polygon2mask(size, outline[:, ::-1] - 0.5 - corner)
        for hole in holes:
            part &= ~polygon2mask(size, hole[:, ::-1] - 0.5 - corner)
        mask |= part
    return corner, mask
