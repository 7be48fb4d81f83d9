"""QuPath's GeoJSON to instance ids. Coordinates are x y in pixels of the image; pixel (0, 0) covers [0, 1) x [0, 1)."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...checks import RequestError
from ..source_file import SourceFile
from .classes import NO_CLASSES, UNCLASSIFIED, Classes
from .outlines import Polygon, draw, polygons

SUFFIXES = (".geojson", ".json", ".geojson.gz")

# QuPath's other objects are no annotations: grid tiles, cores of a tissue array, the image itself. 0.2 wrote the kind
# into `id`, 0.3 with an underscore.
_NOT_OBJECTS = ("tile", "tmacore", "root")
_CELL, _DETECTION = "cell", "detection"
_OLD_KINDS = {f"Path{kind}Object": kind.lower() for kind in ("Annotation", "Cell", "Detection", "Root", "Tile")}
_OLD_KINDS["TMACoreObject"] = "tmacore"


def rasterise(
    file: SourceFile, shape: tuple[int, int], classes: Classes = NO_CLASSES
) -> tuple[np.ndarray, list[str], Counter[str]]:
    """Draw each polygon object as one instance; holes stay background.

    A pixel belongs to an object if its centre lies inside. Children are read as their parents are. Cells, and objects
    of a class whose name ends with `*`, which QuPath itself ignores, are left out. An object whose pieces lie apart, as
    a pixel classifier leaves all glands of an image in one, is one gland a piece. Where objects overlap the smaller
    one is on top.

    Args:
        file: A FeatureCollection, an array of Features, a Feature or a bare geometry; may be compressed by gzip.
        shape: (h, w) of the image.
        classes: Those that are glands; all where nothing was said.

    Returns:
        (h, w) int32 ids from 1 without gaps, remarks on what was left out or taken on a guess, and the number of
        objects of each class.

    Raises:
        RequestError: The file cannot be read, a polygon is broken, an object lies outside the image, or there are
            both annotations and detections and the classes do not tell what is meant.
    """
    data, remarks = _parsed(file)
    found, skipped, kinds = Counter[str](), Counter[str](), Counter[str]()
    objects: list[list[Polygon]] = []
    for feature in _features(file, data):
        if (kind := _kind(feature)) in _NOT_OBJECTS:
            continue
        areas, others = _areas(file, _geometry(file, feature))
        skipped.update(others)
        if not areas:
            continue
        name = "cells" if kind == _CELL else _class_name(feature) or UNCLASSIFIED
        ignored = kind == _CELL or (name.endswith("*") and not classes.hold(name))
        found.update([] if ignored else [name])
        if ignored or (classes.names and not classes.hold(name)):
            skipped[name] += 1
            continue
        kinds[_DETECTION if kind == _DETECTION else "annotation"] += 1
        objects.append(polygons(file, areas, shape))
    _check_kinds(file, kinds, classes)
    if skipped:
        remarks.append(f"left out: {_counted(skipped)}")
    ids, drawn = draw(objects, shape)
    return ids, remarks + drawn, found


def _check_kinds(file: SourceFile, kinds: Counter[str], classes: Classes) -> None:
    if len(kinds) > 1 and not classes.names:
        wanted = "wanted one of them: export the glands alone, or name their class by --classes"
        raise RequestError(f"{file}: found {_counted(kinds)} objects, {wanted}")


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in names.most_common())


def _parsed(file: SourceFile) -> tuple[Any, list[str]]:
    content, remarks = file.read(), []
    try:
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        try:
            text = content.decode(json.detect_encoding(content))
        except UnicodeDecodeError:
            # What scripts on Windows write; only names can be wrong by it, numbers cannot.
            text = content.decode("cp1252", errors="replace")
            remarks.append("not in UTF-8: read as Windows-1252, so look at the names of classes with accents")
        return json.loads(text), remarks
    except (OSError, EOFError, zlib.error) as error:
        raise RequestError(f"{file}: broken or truncated gzip ({error})") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{file}: not JSON ({error}), wanted GeoJSON as QuPath exports it") from error


def _features(file: SourceFile, data: Any) -> Iterator[dict[str, Any]]:
    """Every object, the children after their parent."""
    waiting = [data]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += reversed(one)
            continue
        kind = one.get("type") if isinstance(one, dict) else None
        if not isinstance(kind, str) or (kind == "FeatureCollection" and not isinstance(one.get("features"), list)):
            wanted = "wanted a FeatureCollection, an array of Features or one Feature"
            raise RequestError(f"{file}: not GeoJSON, {wanted}")
        if kind == "FeatureCollection":
            waiting.append(one["features"])
            continue
        properties = _properties(one)
        children = properties.get("childObjects", properties.get("children"))
        if isinstance(children, list):
            waiting.append(children)
        yield one


def _properties(feature: dict[str, Any]) -> dict[str, Any]:
    properties = feature.get("properties")
    return properties if isinstance(properties, dict) else {}


def _kind(feature: dict[str, Any]) -> str:
    """What QuPath calls the object type, in lower case; empty where the file does not say."""
    properties = _properties(feature)
    keys = ("objectType", "object_type", "type")
    found = next((properties[key] for key in keys if isinstance(properties.get(key), str)), None)
    kind = feature.get("id") if found is None else found
    if not isinstance(kind, str):
        return ""
    return _OLD_KINDS.get(kind, "" if found is None else kind.lower().replace("_", ""))


def _class_name(feature: dict[str, Any]) -> str:
    """`classification` is a string, or an object with `name` or `names`."""
    found = _properties(feature).get("classification")
    if isinstance(found, dict):
        names = found.get("names")
        found = ": ".join(map(str, names)) if isinstance(names, list) else found.get("name")
    return str(found or "").strip()


def _geometry(file: SourceFile, feature: dict[str, Any]) -> dict[str, Any]:
    geometry = feature.get("geometry") if feature["type"] == "Feature" else feature
    if not isinstance(geometry, dict) or not isinstance(geometry.get("type"), str):
        raise RequestError(f"{file}: found an object of type {feature['type']!r} without a geometry")
    return geometry


def _areas(file: SourceFile, geometry: dict[str, Any]) -> tuple[list[Any], Counter[str]]:
    """The coordinates of each polygon, however deep it lies in collections, and what else there is."""
    areas, others, waiting = [], Counter[str](), [geometry]
    while waiting:
        one = waiting.pop()
        kind = one.get("type") if isinstance(one, dict) else None
        parts = one.get("geometries" if kind == "GeometryCollection" else "coordinates", 0) if kind else 0
        parts = [] if parts is None else parts
        if not isinstance(kind, str) or not isinstance(parts, list):
            raise RequestError(f"{file}: found a geometry of type {kind!r} without coordinates")
        if _is_empty(parts):
            others["empty"] += 1
        elif kind == "GeometryCollection":
            waiting += reversed(parts)
        elif kind == "MultiPolygon":
            areas += [part for part in parts if not _is_empty(part)]
        elif kind == "Polygon":
            areas.append(parts)
        else:
            others[kind] += 1
    return areas, others


def _is_empty(parts: Any) -> bool:
    """Whether lists hold nothing but lists, as operations on geometries leave them."""
    waiting = [parts]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif one is not None:
            return False
    return True
