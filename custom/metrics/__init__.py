"""Scores: pure functions on NumPy arrays, and the validation's thin class."""

from .bootstrap import bootstrap_interval
from .gate_use import gate_moments, gate_use
from .gland_errors import gland_errors
from .glas_objects import object_scores
from .organs import organ_scores
from .pixels import confusion, pixel_scores
from .surface import surface_distances
from .task_dice import TaskDice

__all__ = [
    "TaskDice",
    "bootstrap_interval",
    "confusion",
    "gate_moments",
    "gate_use",
    "gland_errors",
    "object_scores",
    "organ_scores",
    "pixel_scores",
    "surface_distances",
]
