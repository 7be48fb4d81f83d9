"""Mixtures of experts: a gate scores the experts, an expert transforms, the combination weighs and sums.

Axes, in every file of this folder:
    b  images of the batch          e  experts
    c  channels of one expert       h, w  rows and columns of the feature maps

Where the experts have spoken before the gate is asked, every gate maps `features (b, e, c, h, w)` to `weights`,
`(b, e)` or `(b, e, h, w)`, which are non-negative and sum to one over the experts; `combine` takes both and returns
`(b, c, h, w)`.

Where the gate is asked first, so that an expert that is not needed is not computed, it maps `tokens (b, h, w, c)` and
each image's modality to `weights (b, h, w, e)`; `ExpertMixture` holds the experts and returns tokens.
"""

from .average_gate import AverageGate, TokenAverageGate
from .channel_gate import ChannelGate
from .combine import combine, stack_experts
from .expert_mixture import ExpertMixture
from .image_gate import ImageGate
from .paper_gate import ChannelAttentionGate
from .pixel_gate import PixelGate
from .token_gate import TokenGate

__all__ = [
    "AverageGate",
    "ChannelAttentionGate",
    "ChannelGate",
    "ExpertMixture",
    "ImageGate",
    "PixelGate",
    "TokenAverageGate",
    "TokenGate",
    "combine",
    "stack_experts",
]
