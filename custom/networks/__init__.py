"""Networks: tensors in, tensors out; no keys, no files but checkpoints, no losses."""

from .lite_encoder import LiteEncoder
from .m4oe import M4oE, add_tasks
from .masked_reconstruction import MaskedReconstruction
from .physical_inferer import PhysicalInferer
from .semi_moe import SemiMoE, SeparateUNets, SharedEncoder
from .square_inferer import SquareInferer
from .task_view import TaskView, gates, unwrap
from .volume_inferer import VolumeInferer

__all__ = [
    "LiteEncoder",
    "M4oE",
    "MaskedReconstruction",
    "PhysicalInferer",
    "SemiMoE",
    "SeparateUNets",
    "SharedEncoder",
    "SquareInferer",
    "TaskView",
    "VolumeInferer",
    "add_tasks",
    "gates",
    "unwrap",
]
