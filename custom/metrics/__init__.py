"""Scores: pure functions on NumPy arrays."""

from .bootstrap import bootstrap_interval
from .gate_use import gate_moments, gate_use
from .glas_objects import object_scores
from .organs import organ_scores
from .pooled import confusion, pixel_scores
from .surface import surface_distances

__all__ = [
    "bootstrap_interval",
    "confusion",
    "gate_moments",
    "gate_use",
    "object_scores",
    "organ_scores",
    "pixel_scores",
    "surface_distances",
]
