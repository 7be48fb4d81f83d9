"""Which glands are missed, merged or split, and what is found where none is. Axes: h, w = the two spatial axes."""

from __future__ import annotations

import numpy as np

KINDS = ("missed", "extra", "merged", "split")


def gland_errors(found: np.ndarray, label: np.ndarray) -> dict[str, list[int]]:
    """Name what is wrong with each gland, by its share of pixels: half of it decides.

    - Missed: A true gland of which all found ones together cover less than half.
    - Extra: A found gland of which less than half lies in true ones.
    - Merged: A found gland that covers at least half of each of several true ones.
    - Split: A true gland that holds at least half of each of several found ones.

    Args:
        found: (h, w) ids of the glands found, 0 for none.
        label: (h, w) ids of the true glands, 0 for none.

    Returns:
        By kind, ids: of `label` for `missed` and `split`, of `found` for `extra` and `merged`; ascending.

    Example:
        >>> gland_errors(np.array([[1, 1, 1, 1]]), np.array([[1, 1, 2, 2]]))["merged"]
        [1]
    """
    (ids, found_area), (true, true_area) = (np.unique(one[one > 0], return_counts=True) for one in (found, label))
    overlap = np.zeros((len(ids), len(true)), dtype=np.int64)
    both = (found > 0) & (label > 0)
    np.add.at(overlap, (np.searchsorted(ids, found[both]), np.searchsorted(true, label[both])), 1)
    return {
        "missed": true[2 * overlap.sum(axis=0) < true_area].tolist(),
        "extra": ids[2 * overlap.sum(axis=1) < found_area].tolist(),
        "merged": ids[(2 * overlap >= true_area[None, :]).sum(axis=1) > 1].tolist(),
        "split": true[(2 * overlap >= found_area[:, None]).sum(axis=0) > 1].tolist(),
    }
