from __future__ import annotations

import torch
from monai.data import MetaTensor
from monai.utils import convert_to_dst_type


def keep_meta(output: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """Give an inferer's output the metadata of its inputs, which MONAI's writers name their files by.

    Args:
        output: Any tensor.
        inputs: What it was computed from.

    Returns:
        A `MetaTensor` if `inputs` is one, else `output` itself.
    """
    if not isinstance(inputs, MetaTensor):
        return output
    meta = MetaTensor([]).copy_meta_from(inputs, copy_attr=False)
    return convert_to_dst_type(output, meta, dtype=output.dtype, device=output.device)[0]
