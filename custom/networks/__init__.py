"""Networks: tensors in, tensors out; no keys, no files but checkpoints, no losses."""

from .physical_inferer import PhysicalInferer
from .semi_moe import LiteEncoder, SemiMoE, SeparateUNets, SharedEncoder
from .square_inferer import SquareInferer
from .task_view import TaskView, unwrap

__all__ = [
    "LiteEncoder",
    "PhysicalInferer",
    "SemiMoE",
    "SeparateUNets",
    "SharedEncoder",
    "SquareInferer",
    "TaskView",
    "unwrap",
]
