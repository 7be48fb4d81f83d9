"""Semi-MoE and the experts it can have."""

from .lite_encoder import LiteEncoder
from .semi_moe import SemiMoE
from .separate_unets import SeparateUNets
from .shared_encoder import SharedEncoder

__all__ = ["LiteEncoder", "SemiMoE", "SeparateUNets", "SharedEncoder"]
