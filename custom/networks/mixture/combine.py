from __future__ import annotations

import torch


def combine(features: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weigh the experts' features and sum them: `y = sum_e weights_e * features_e`.

    Args:
        features: What each expert says, `(b, e, c, h, w)`.
        weights: One weight an expert, per image `(b, e)` or per pixel `(b, e, h, w)`.

    Returns:
        The mixture, `(b, c, h, w)`.

    Raises:
        ValueError: The weights are of other images, experts or pixels than the features; nothing is broadcast.
    """
    wanted = [features.shape[0], features.shape[1]]
    if weights.dim() != 2:
        wanted += [features.shape[3], features.shape[4]]
    if list(weights.shape) != wanted:
        raise ValueError(f"weights must be (b, e) or (b, e, h, w) = {wanted}, got {list(weights.shape)}")
    weights = weights.to(features.dtype)  # a gate's softmax stays in float32 under autocast
    if weights.dim() == 2:
        weights = weights[:, :, None, None]
    return (features * weights.unsqueeze(2)).sum(dim=1)


def stack_experts(maps: list[torch.Tensor]) -> torch.Tensor:
    """Put the experts' maps into one tensor and keep each of them channels-last, which `torch.stack` would not.

    Args:
        maps: One `(b, c, h, w)` an expert.

    Returns:
        Features `(b, e, c, h, w)`; flattened to `(b e, c, h, w)` they are channels-last without a copy.
    """
    return torch.stack([m.permute(0, 2, 3, 1) for m in maps], dim=1).permute(0, 1, 4, 2, 3)
