from .adaptive_multi_objective import AdaptiveMultiObjectiveLoss
from .balance import balance_loss
from .boundary import BoundaryLoss
from .consistency import agreement_weight
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
    "balance_loss",
]
