"""What an engine's state holds of each image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ignite.engine import Engine
from monai.data import decollate_batch


def items(engine: Engine) -> list[dict[str, Any]]:
    """Batch and output of an engine, an item an image, whether MONAI has taken them apart or not.

    What both hold is the output's.

    Args:
        engine: An engine whose `state.batch` and `state.output` are dictionaries of batches, or lists of dictionaries.

    Returns:
        A dictionary for each image.
    """
    pairs = zip(_apart(engine.state.batch), _apart(engine.state.output), strict=True)
    return [{**before, **after} for before, after in pairs]


def _apart(part: Any) -> list[dict[str, Any]]:
    return decollate_batch(part) if isinstance(part, Mapping) else part
