"""What happens in one iteration, and around it."""

from .ending import Ending
from .gland_step import GlandStep
from .keep import KeepWeights
from .masked_reconstruction import MaskedReconstruction
from .moving_average import MovingAverage
from .organ_step import OrganStep, learning
from .progress import Progress
from .pseudo_labels import PseudoLabels
from .reconstruction_step import ReconstructionStep
from .resume import Resume

__all__ = [
    "Ending",
    "GlandStep",
    "KeepWeights",
    "MaskedReconstruction",
    "MovingAverage",
    "OrganStep",
    "Progress",
    "PseudoLabels",
    "ReconstructionStep",
    "Resume",
    "learning",
]
