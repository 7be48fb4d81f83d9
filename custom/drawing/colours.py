"""Which colour stands for what, in every picture alike."""

from __future__ import annotations

import colorsys

Colour = tuple[int, int, int]

WHITE, INK = (255, 255, 255), (40, 40, 40)
# Blue and yellow are told apart by all common kinds of colour vision and are far from the pinks and purples of H&E.
PREDICTION, REFERENCE = (0, 105, 230), (255, 214, 0)
# Of glands on a contact sheet, where there is a reference only.
OUTLINE = (0, 255, 0)

# Bright and far apart on grey.
_ORGANS: tuple[Colour, ...] = (
    (255, 60, 60), (60, 220, 60), (80, 140, 255), (255, 225, 25), (245, 130, 48), (200, 80, 255), (70, 240, 240),
    (240, 50, 230), (190, 255, 60), (250, 190, 212), (0, 160, 145), (220, 190, 255), (170, 110, 40), (255, 250, 200),
    (170, 255, 195), (150, 150, 0),
)  # fmt: skip


def organ_colour(channel: int) -> Colour:
    """The colour of an organ.

    Args:
        channel: Its channel, from 1.
    """
    if channel <= len(_ORGANS):
        return _ORGANS[channel - 1]
    # The golden ratio keeps any number of further hues apart.
    red, green, blue = colorsys.hsv_to_rgb((channel - 1) * 0.618034 % 1, 0.6, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)
