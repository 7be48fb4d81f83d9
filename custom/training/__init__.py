"""What happens in one iteration, and around it."""

from .keep import KeepWeights
from .mean_teacher import MeanTeacher
from .progress import Progress
from .pseudo_labels import PseudoLabels
from .resume import Resume
from .semi_step import SemiSupervisedStep

__all__ = ["KeepWeights", "MeanTeacher", "Progress", "PseudoLabels", "Resume", "SemiSupervisedStep"]
