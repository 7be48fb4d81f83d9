"""What is known of the volumes of a data set without their voxels, and the table that shows swapped labels."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass

from ..record import Record
from .declaration import Declaration
from .files import VolumePair, count_ids, is_picture

_SIDES = ("right ", "left ")


@dataclass(frozen=True)
class VolumeMeasures:
    """What the checks learn about a volume, kept instead of its voxels.

    Args:
        digest: A hash of the image.
        amounts: Label id to its volume in ml; a picture counts as 1 mm thick.
        right_mm: Label id to how far to the patient's right its centre lies, from the volume's own origin.
        notes: What is odd, in words.
    """

    digest: str
    amounts: dict[int, float]
    right_mm: dict[int, float]
    notes: tuple[str, ...]


def measure(pair: VolumePair) -> VolumeMeasures:
    """Measure a volume.

    Args:
        pair: The volume with its label, if it has one.

    Returns:
        What was measured.
    """
    notes = tuple(volume.note for volume in (pair.image, pair.label) if volume is not None and volume.note)
    if pair.label is None:
        return VolumeMeasures(pair.digest, {}, {}, notes)
    label = pair.label.upright()
    x, y, z = label.spacing
    counts = count_ids(label.values)
    total: dict[int, float] = defaultdict(float)
    for index, plane in enumerate(label.values):  # towards the patient's right
        for one, number in count_ids(plane).items():
            total[one] += index * x * number
    ids = [one for one in counts if one]
    amounts = {one: counts[one] * x * y * z / 1000 for one in ids}
    return VolumeMeasures(pair.digest, amounts, {one: total[one] / counts[one] for one in ids}, notes)


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
        + _notes([measures[record.id] for record in used])
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


def _notes(measures: list[VolumeMeasures]) -> list[str]:
    counts = Counter(note for volume in measures for note in dict.fromkeys(volume.notes))
    return [f"in {number} of {len(measures)} volumes {note}" for note, number in counts.items()]
