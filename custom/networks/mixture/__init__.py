"""Mixtures of experts: a gate scores the experts, an expert transforms, the combination weighs and sums.

Axes, in every file of this folder:
    b  images of the batch          e  experts
    c  channels of one expert       h, w  rows and columns of the feature maps

Every gate maps `features (b, e, c, h, w)` to `weights`, `(b, e)` or `(b, e, h, w)`, which are non-negative and sum
to one over the experts; `combine` takes both and returns `(b, c, h, w)`.
"""

from .average_gate import AverageGate
from .combine import combine
from .image_gate import ImageGate
from .paper_gate import ChannelAttentionGate
from .pixel_gate import PixelGate
from .stack_experts import stack_experts

__all__ = ["AverageGate", "ChannelAttentionGate", "ImageGate", "PixelGate", "combine", "stack_experts"]
