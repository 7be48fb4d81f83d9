from .adaptive_multi_objective import AdaptiveMultiObjectiveLoss
from .boundary import BoundaryLoss
from .consistency import agreement_weight
from .segmentation import SegmentationLoss
from .signed_distance import SignedDistanceLoss

__all__ = ["AdaptiveMultiObjectiveLoss", "BoundaryLoss", "SegmentationLoss", "SignedDistanceLoss", "agreement_weight"]
