from .as_volume import AsVolumed
from .class_voxels import ClassVoxelsd
from .cutmix import cutmix_boxes, mix
from .label_channels import LabelChannelsd
from .orient_and_resample import OrientAndResampled
from .rand_slice import RandSliced
from .scale_by_task import ScaleByTaskd
from .stain import RandStainJitterd
from .views import StrongViewd
from .zoom_crop import RandZoomCropd

__all__ = [
    "AsVolumed",
    "ClassVoxelsd",
    "LabelChannelsd",
    "OrientAndResampled",
    "RandSliced",
    "RandStainJitterd",
    "RandZoomCropd",
    "ScaleByTaskd",
    "StrongViewd",
    "cutmix_boxes",
    "mix",
]
