"""Data sets of tiles: pictures of tissue with a mask each."""

from .data_set import TileSet
from .reader import LoadTiled, TileReader

__all__ = ["LoadTiled", "TileReader", "TileSet"]
