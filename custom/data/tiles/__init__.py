"""Data sets of tiles: pictures of tissue with a mask each."""

from .data_set import TileSet
from .reader import TileReader

__all__ = ["TileReader", "TileSet"]
