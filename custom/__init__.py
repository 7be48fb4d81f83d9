"""Mixtures of experts for medical image segmentation, as MONAI bundles."""

__version__ = "0.2.0"
