"""What every loss on maps asks of its inputs. Axes: b images, c channels, h and w spatial, in either order."""

from __future__ import annotations

import torch

# Narrow types are masks of 0 and 1; wide ones are instance ids, which no loss can read.
_ID_TYPES = (torch.int16, torch.int32, torch.int64)


def check_maps(prediction: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, channels: int) -> None:
    """Refuse maps that do not lie pixel on pixel, so that nothing ever broadcasts.

    Args:
        prediction: Wanted `(b, channels, h, w)`.
        target: Wanted `(b, 1, h, w)`, floating point, bool or uint8.
        weight: None, or wanted `(b, 1, h, w)`.
        channels: Channels of the prediction.

    Raises:
        ValueError: A shape or a type differs; the text says got and wanted.
    """
    if prediction.ndim != 4 or prediction.shape[1] != channels:
        raise ValueError(f"prediction: got shape {tuple(prediction.shape)}, wanted (b, {channels}, h, w)")
    wanted = (prediction.shape[0], 1, *prediction.shape[2:])
    if target.shape != wanted:
        raise ValueError(f"target: got shape {tuple(target.shape)}, wanted {wanted}")
    if target.dtype in _ID_TYPES:
        raise ValueError(f"target: got {target.dtype} (instance ids?), wanted a float, bool or uint8 map in [0, 1]")
    if weight is not None and weight.shape != wanted:
        raise ValueError(f"weight: got shape {tuple(weight.shape)}, wanted {wanted}")
