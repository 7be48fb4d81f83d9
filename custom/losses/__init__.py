from .adaptive_multi_objective import AdaptiveMultiObjectiveLoss
from .agreement import agreement_weight
from .boundary import BoundaryLoss
from .load_balance import load_balance_loss
from .organ import OrganLoss
from .segmentation import SegmentationLoss
from .signed_distance import SignedDistanceLoss

__all__ = [
    "AdaptiveMultiObjectiveLoss",
    "BoundaryLoss",
    "OrganLoss",
    "SegmentationLoss",
    "SignedDistanceLoss",
    "agreement_weight",
    "load_balance_loss",
]
