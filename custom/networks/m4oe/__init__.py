"""M4oE: a Swin U-Net whose MLPs are mixtures of modality-specific experts.

Axes, in every file of this folder:
    b  images of the batch    c  channels    h, w  rows and columns of the map at hand    e  experts    t  tasks
Maps of tokens are channels-last, `(b, h, w, c)`; images and logits are `(b, c, h, w)`.
"""

from .add_tasks import add_tasks
from .m4oe import M4oE

__all__ = ["M4oE", "add_tasks"]
