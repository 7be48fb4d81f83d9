"""Scores: pure functions on NumPy arrays, and a thin MONAI class where a workflow accumulates them."""

from .bootstrap import bootstrap_interval
from .gate_use import GateUse, gate_moments, gate_use
from .glas_objects import ObjectScores, object_scores
from .pooled import PooledScores, confusion, pixel_scores
from .surface import surface_distances

__all__ = [
    "GateUse",
    "ObjectScores",
    "PooledScores",
    "bootstrap_interval",
    "confusion",
    "gate_moments",
    "gate_use",
    "object_scores",
    "pixel_scores",
    "surface_distances",
]
