from __future__ import annotations

import torch


def stack_experts(maps: list[torch.Tensor]) -> torch.Tensor:
    """Put the experts' maps into one tensor and keep each of them channels-last, which `torch.stack` would not.

    Args:
        maps: one `(b, c, h, w)` an expert.

    Returns:
        Features `(b, e, c, h, w)`; flattened to `(b e, c, h, w)` they are channels-last without a copy.
    """
    return torch.stack([m.permute(0, 2, 3, 1) for m in maps], dim=1).permute(0, 1, 4, 2, 3)
