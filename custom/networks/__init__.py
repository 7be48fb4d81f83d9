"""Networks: tensors in, tensors out; no keys, no files but checkpoints, no losses."""

from .all_outputs import AllOutputs, gates, unwrap
from .encoder import LiteEncoder
from .m4oe import M4oE, add_tasks
from .semi_moe import SemiMoE, SeparateUNets, SharedEncoder

__all__ = [
    "AllOutputs",
    "LiteEncoder",
    "M4oE",
    "SemiMoE",
    "SeparateUNets",
    "SharedEncoder",
    "add_tasks",
    "gates",
    "unwrap",
]
