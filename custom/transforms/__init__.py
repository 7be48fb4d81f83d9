"""The transforms that MONAI lacks."""

from .tiles.cutmix import cutmix_boxes, mix
from .tiles.stain import RandStainJitterd
from .tiles.views import StrongViewd
from .tiles.zoom_crop import RandZoomCropd
from .volumes.as_volume import AsVolumed
from .volumes.class_voxels import ClassVoxelsd
from .volumes.label_channels import LabelChannelsd
from .volumes.orient_and_resample import OrientAndResampled
from .volumes.rand_slice import RandSliced
from .volumes.scale_by_task import ScaleByTaskd

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
