"""Semi-MoE and the experts it can have."""

from .semi_moe import SemiMoE
from .separate_unets import SeparateUNets
from .shared_encoder import SharedEncoder

__all__ = ["SemiMoE", "SeparateUNets", "SharedEncoder"]
