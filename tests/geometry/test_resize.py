"""Bilinear, and smooth where it shrinks."""

import torch

from custom.geometry.resize import resize


def test_enlarging_is_bilinear():
    # pixel centres at 1/4 and 3/4; those of four pixels at 1/8, 3/8, 5/8, 7/8: held at the ends, 1/4 and 3/4 between
    enlarged = resize(torch.tensor([[0.0, 1], [0, 1]])[None, None], (2, 4))
    assert enlarged[0, 0].tolist() == [[0, 0.25, 0.75, 1]] * 2


def test_shrinking_averages_instead_of_skipping():
    # Stripes of one pixel: every second pixel alone would be all black or all white.
    stripes = (torch.arange(64) % 2).float().expand(1, 1, 64, 64)
    assert (resize(stripes, (64, 16))[..., 1:-1] - 0.5).abs().max() < 0.05
    assert resize(stripes, (64, 64)) is stripes
