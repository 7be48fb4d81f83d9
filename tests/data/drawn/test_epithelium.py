import numpy as np

from custom.data.drawn.epithelium import own_depth


def test_depth_has_a_border_between_touching_glands():
    # Two glands of 3 px side by side: the pixels that meet are 0, the middle 1, the last counts to the far side.
    depth = own_depth(np.repeat(np.array([[0, 1, 1, 1, 2, 2, 2, 0]]), 9, 0))
    assert depth[4].tolist() == [0, 0, 1, 0, 0, 1, 0, 0]
