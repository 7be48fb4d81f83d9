"""Where pixels and voxels lie: planes, volumes, axes, sizes."""
