"""What is learnt, made from labels, and how predictions are read."""

from .boundary import boundary_band, outer_ring
from .instances import instances
from .labels import instance_ids
from .maps import gland_mask
from .signed_distance import clip_distance, signed_distance, signed_distance_per_image

__all__ = [
    "boundary_band",
    "clip_distance",
    "gland_mask",
    "instance_ids",
    "instances",
    "outer_ring",
    "signed_distance",
    "signed_distance_per_image",
]
