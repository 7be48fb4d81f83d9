"""What happens in one iteration, and around it."""

from .keep import KeepWeights
from .mean_teacher import MeanTeacher
from .multi_set_step import MultiSetStep, classes, learning
from .progress import Progress
from .pseudo_labels import PseudoLabels
from .reconstruction_step import ReconstructionStep
from .resume import Resume
from .semi_step import SemiSupervisedStep
from .task_dice import TaskDice

__all__ = [
    "KeepWeights",
    "MeanTeacher",
    "MultiSetStep",
    "Progress",
    "PseudoLabels",
    "ReconstructionStep",
    "Resume",
    "SemiSupervisedStep",
    "TaskDice",
    "classes",
    "learning",
]
