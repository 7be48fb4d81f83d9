from .cutmix import cutmix_boxes, mix
from .stain import RandStainJitterd
from .views import StrongViewd
from .zoom_crop import RandZoomCropd

__all__ = ["RandStainJitterd", "RandZoomCropd", "StrongViewd", "cutmix_boxes", "mix"]
