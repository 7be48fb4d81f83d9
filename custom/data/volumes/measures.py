"""What is known of the volumes of a data set without their voxels, and the table that shows swapped labels."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...targets.intensities import Spread, oddity, spread
from ..record import Record
from .declaration import Declaration
from .files import VolumePair, count_ids, is_picture

_SIDES = ("right ", "left ")
_NAMED = 3


@dataclass(frozen=True)
class VolumeMeasures:
    """What the checks learn about a volume, kept instead of its voxels.

    Args:
        digest: A hash of the image.
        amounts: Label id to its volume in ml; a picture counts as 1 mm thick.
        right_mm: Label id to how far to the patient's right its centre lies, from the volume's own origin.
        notes: What is odd, in words.
        spread: Of its intensities, as `intensities.spread` gives it; None where there is none.
    """

    digest: str
    amounts: dict[int, float]
    right_mm: dict[int, float]
    notes: tuple[str, ...]
    spread: Spread | None = None


def measure(pair: VolumePair, intensity: Mapping[str, list[float]] | None = None) -> VolumeMeasures:
    """Measure a volume.

    Args:
        pair: The volume with its label, if it has one.
        intensity: Its modality's `window_hu` or `percentiles`; None: intensities are not looked at.

    Returns:
        What was measured.
    """
    notes = [note for volume in (pair.image, pair.label) if volume is not None for note in volume.notes]
    seen = None
    if intensity is not None:
        seen = spread(pair.image.values, intensity)
        notes += filter(None, [oddity(pair.image.values, intensity)])
    if pair.label is None:
        return VolumeMeasures(pair.digest, {}, {}, tuple(notes), seen)
    label = pair.label.upright()
    x, y, z = label.spacing
    counts = count_ids(label.values)
    total: dict[int, float] = defaultdict(float)
    for axis, step in enumerate(label.affine[0, :3]):  # how far each axis leads to the patient's right
        for index, plane in enumerate(np.moveaxis(label.values, axis, 0) if step else ()):
            for one, number in count_ids(plane).items():
                total[one] += index * float(step) * number
    ids = [one for one in counts if one]
    amounts = {one: counts[one] * x * y * z / 1000 for one in ids}
    places = {one: total[one] / counts[one] for one in ids}
    return VolumeMeasures(pair.digest, amounts, places, tuple(notes), seen)


def summary(
    declaration: Declaration, sections: dict[str, list[Record]], measures: dict[str, VolumeMeasures]
) -> list[str]:
    """What there is, in lines.

    Args:
        declaration: Of the data set.
        sections: The volumes by section.
        measures: By id.

    Returns:
        Volumes and patients of each section and modality, each organ's volume, and what is odd.
    """
    lines = []
    for name, records in sections.items():
        text = f"{name:<10} {len(records):4d} volumes"
        if records:
            patients = len({record.patient for record in records})
            modalities = Counter(record.modality for record in records)
            text += f", {patients:3d} patients: " + ", ".join(f"{one} {n}" for one, n in sorted(modalities.items()))
        lines.append(text)
    labelled = [measures[record.id] for name, found in sections.items() if name != "unlabelled" for record in found]
    used = [record for records in sections.values() for record in records]
    return (
        lines
        + _organs(declaration.labels, labelled, all(map(is_picture, used)))
        + _sides(declaration.labels, labelled)
        + _notes({record.id: measures[record.id] for record in used})
    )


def _organs(labels: dict[int, str], labelled: list[VolumeMeasures], flat: bool) -> list[str]:
    width = max(len(f"{one} {organ}") for one, organ in labels.items())
    # 1 ml in a slice of 1 mm is 10 cm².
    unit, factor = ("cm²", 10.0) if flat else ("ml", 1.0)
    lines = []
    for one, organ in labels.items():
        amounts = [volume.amounts[one] * factor for volume in labelled if one in volume.amounts]
        text = f"  {f'{one} {organ}':<{width}}  in {len(amounts):3d} of {len(labelled)}"
        if amounts:
            low, middle, high = (_number(value) for value in (min(amounts), statistics.median(amounts), max(amounts)))
            text += f", median {middle} {unit} ({low} to {high})"
        lines.append(text)
    if missing := [organ for one, organ in labels.items() if not any(one in volume.amounts for volume in labelled)]:
        lines.append(f"no volume holds {', '.join(missing)}: is it the right data set?")
    return lines


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _sides(labels: dict[int, str], labelled: list[VolumeMeasures]) -> list[str]:
    """Pairs whose right one lies on the left: swapped labels, or a header that states the wrong orientation."""
    ids = {organ: one for one, organ in labels.items()}
    lines = []
    for organ, right in ids.items():
        left = ids.get(_SIDES[1] + organ.removeprefix(_SIDES[0])) if organ.startswith(_SIDES[0]) else None
        if left is None:
            continue
        both = [volume.right_mm for volume in labelled if {left, right} <= volume.right_mm.keys()]
        if wrong := sum(place[right] < place[left] for place in both):
            other = labels[left]
            found = f"the {organ} lies to the left of the {other} in {wrong} of {len(both)} volumes"
            lines.append(f"{found}: are the labels swapped, or the orientation in the header wrong?")
    return lines


def _notes(measures: dict[str, VolumeMeasures]) -> list[str]:
    """Each kind of oddity once, with the volumes that have it."""
    named: dict[str, list[str]] = defaultdict(list)
    for name, volume in measures.items():
        for note in dict.fromkeys(volume.notes):
            named[note].append(name)
    return [f"in {len(names)} of {len(measures)} volumes {note} ({few(names)})" for note, names in named.items()]


def few(names: list[str]) -> str:
    """The first names of a list, and how many there are beside them."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
