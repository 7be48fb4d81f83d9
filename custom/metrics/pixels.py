"""Dice and Jaccard of pixels: per image, and pooled over all pixels of a section.

Axes: b, h, w = images, then the two spatial axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def confusion(prediction: Any, label: Any) -> np.ndarray:
    """Count the pixels of one image by truth and prediction.

    Args:
        prediction: Gland where > 0, any shape.
        label: Gland where > 0, the same shape.

    Returns:
        int64 (2, 2): truth by prediction, 0 = background, 1 = gland. The sum over images pools them.

    Raises:
        ValueError: If the shapes differ.
    """
    predicted, true = np.asarray(prediction) > 0, np.asarray(label) > 0
    if predicted.shape != true.shape:
        raise ValueError(f"the prediction is {predicted.shape}, the label {true.shape}")
    hit, found, present = (int(np.count_nonzero(mask)) for mask in (predicted & true, predicted, true))
    return np.array([[true.size - found - present + hit, found - hit], [present - hit, hit]], dtype=np.int64)


def pixel_scores(counts: Any) -> dict[str, float]:
    """Dice and Jaccard from a confusion matrix, of gland alone and averaged over background and gland.

    Dice_c = 2 TP_c / (2 TP_c + FP_c + FN_c), Jaccard_c = TP_c / (TP_c + FP_c + FN_c). A class that is neither present
    nor predicted scores 1. From one image's counts these are the per-image scores. From the summed counts of a section
    they are the pooled ones, of which `mdice` and `mjaccard` are those that UniSemAlign (arXiv 2604.09169) and CoDiR
    (arXiv 2608.11807) report.

    Args:
        counts: (2, 2) truth by prediction, 0 = background, 1 = gland (`confusion`).

    Returns:
        `dice`, `jaccard` of gland; `mdice`, `mjaccard`: the mean of background's and gland's; all in [0, 1].

    Raises:
        ValueError: If the shape is another one or a count is negative.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.shape != (2, 2) or not (table >= 0).all():
        raise ValueError(f"counts are (2, 2) and >= 0, got {table.tolist()}")
    hit = np.diag(table)
    either = table.sum(axis=0) + table.sum(axis=1) - hit
    jaccard = np.divide(hit, either, out=np.ones(2), where=either > 0)
    dice = 2 * jaccard / (1 + jaccard)
    return {
        "dice": float(dice[1]),
        "jaccard": float(jaccard[1]),
        "mdice": float(dice.mean()),
        "mjaccard": float(jaccard.mean()),
    }
