"""Data sets of tiles: pictures of tissue with a mask each."""

from .data_set import TileSet

__all__ = ["TileSet"]
