"""Data sets of volumes: CT and MR with organs labelled."""

from .data_sets import VolumeSets, balanced

__all__ = ["VolumeSets", "balanced"]
