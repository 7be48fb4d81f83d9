from __future__ import annotations

from typing import Any

import torch
from monai.data import MetaTensor
from monai.utils import convert_to_tensor


def plain(image: Any) -> torch.Tensor:
    """Tensor of an array without its metadata, not copied.

    Every operation on a MetaTensor costs, and its affine would be wrong after a random cut.
    """
    return image.as_tensor() if isinstance(image, MetaTensor) else convert_to_tensor(image)
