"""The objects of one image as sets of pixels, and the Hausdorff distance between two of them.

Axes: n, k, h, w = objects, points, then the two spatial axes; points are (axis 0, axis 1).
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from scipy.spatial import KDTree

# Twelve lines through the plane, of which both ends are used: 24 directions.
_ANGLES = np.deg2rad(np.arange(0, 180, 15))
_LINES = np.stack([np.sin(_ANGLES), np.cos(_ANGLES)])


class Objects:
    """The objects of an instance map, numbered 0..n-1 by their first pixels in reading order.

    Args:
        ids: (h, w) or (1, h, w) whole numbers >= 0, 0 = background; array, or tensor on the CPU.

    Attributes:
        index: Int (h, w), the number of the object, -1 in the background.
        area: Int (n,), pixels of each object.

    Raises:
        ValueError: If the shape is another one or an id is negative or not whole.
    """

    def __init__(self, ids: Any) -> None:
        values: np.ndarray = np.asarray(ids)
        if values.ndim == 3 and values.shape[0] == 1:
            values = values[0]
        if values.ndim != 2 or values.size == 0:
            raise ValueError(f"an instance map is (h, w) or (1, h, w), got the shape {np.shape(ids)}")
        if values.dtype.kind != "b" and (values.min() < 0 or (values != np.round(values)).any()):
            raise ValueError("instance ids are whole numbers >= 0, got negative ones or fractions")
        at = np.flatnonzero(values)
        _, first, inverse = np.unique(values.flat[at], return_index=True, return_inverse=True)
        number = np.argsort(np.argsort(first))[inverse]
        self.index: np.ndarray = np.full(values.shape, -1, dtype=np.int64)
        self.index.flat[at] = number
        self.area = np.bincount(number)
        self._pixels = _by_object(at, number, len(first))
        self._trees: dict[int, KDTree] = {}

    def __len__(self) -> int:
        return len(self.area)

    @cached_property
    def supports(self) -> np.ndarray:
        """Float (n, 24): how far each object reaches in 24 directions (the support function of its convex hull)."""
        reach = np.empty((len(self), 2 * _LINES.shape[1]))
        for number, outline in enumerate(self._outlines):
            along = np.stack(np.divmod(outline, self.index.shape[1]), axis=1) @ _LINES
            reach[number] = np.concatenate([along.max(axis=0), -along.min(axis=0)])
        return reach

    def hausdorff(self, number: int, other: Objects, other_number: int) -> float:
        """Hausdorff distance between an object here and one of another map, over all their pixels.

        Args:
            number: Object of this map.
            other: A map of the same shape.
            other_number: Object of the other map.

        Returns:
            The distance in pixels, >= 0.
        """
        return max(self._reach(number, other, other_number), other._reach(other_number, self, number))

    def nearest(self, number: int, other: Objects) -> float:
        """Smallest Hausdorff distance from an object here to any of another map.

        H(A, B) is at least the difference of their supports in any direction; so the candidates are tried in the order
        of that bound until it passes the best distance found.

        Args:
            number: Object of this map.
            other: A map of the same shape, with at least one object.

        Returns:
            The distance in pixels, >= 0.
        """
        bound = np.abs(other.supports - self.supports[number]).max(axis=1)
        best = np.inf
        for candidate in np.argsort(bound):
            if bound[candidate] >= best:
                break
            best = min(best, self.hausdorff(number, other, int(candidate)))
        return best

    def _reach(self, number: int, other: Objects, other_number: int) -> float:
        """Greatest distance from a pixel of one object to the other object: sup_{x in A} inf_{y in B} |x - y|.

        Few pixels can be that x. Pixels in B have distance 0. Where x lies beside the box around B, a step away from
        the box leads further from all of B; so x is on A's outline, or in the box. The y nearest to an x outside B is
        on B's outline.
        """
        candidates = self._pixels[number]
        row, column = np.divmod(candidates, self.index.shape[1])
        top, left, bottom, right = other._boxes[other_number]
        boxed = (row >= top) & (row <= bottom) & (column >= left) & (column <= right)
        outside = other.index.flat[candidates] != other_number
        far = outside & (boxed | self._on_outline.flat[candidates])
        if not far.any():
            return 0.0
        return float(other._tree(other_number).query(np.stack([row[far], column[far]], axis=1))[0].max())

    def _tree(self, number: int) -> KDTree:
        """The outline of an object as a tree, built at its first use."""
        if number not in self._trees:
            self._trees[number] = KDTree(np.stack(np.divmod(self._outlines[number], self.index.shape[1]), axis=1))
        return self._trees[number]

    @cached_property
    def _on_outline(self) -> np.ndarray:
        """Bool (h, w): pixels with a 4-neighbour outside their object; what lies beyond the image is outside."""
        around = np.pad(self.index, 1, constant_values=-1)
        inner = (around[:-2, 1:-1] == self.index) & (around[2:, 1:-1] == self.index)
        inner &= (around[1:-1, :-2] == self.index) & (around[1:-1, 2:] == self.index)
        return ~inner

    @cached_property
    def _outlines(self) -> list[np.ndarray]:
        """Flat positions of each object's outline."""
        return [pixels[self._on_outline.flat[pixels]] for pixels in self._pixels]

    @cached_property
    def _boxes(self) -> list[tuple[int, int, int, int]]:
        """First and last position on each axis (top, left, bottom, right) of each object, inclusive."""
        rows_columns = [np.divmod(pixels, self.index.shape[1]) for pixels in self._pixels]
        return [(r.min(), c.min(), r.max(), c.max()) for r, c in rows_columns]


def _by_object(at: np.ndarray, number: np.ndarray, count: int) -> list[np.ndarray]:
    """Cut flat positions into one array per object."""
    order = np.argsort(number, kind="stable")
    return np.split(at[order], np.cumsum(np.bincount(number, minlength=count))[:-1]) if count else []
