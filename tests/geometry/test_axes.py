import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.data.image_reader import PILReader
from PIL import Image

from custom.geometry.axes import as_files_hold_it, picture


@pytest.mark.parametrize("make", [np.asarray, torch.tensor, MetaTensor])
def test_width_and_height_are_swapped_and_channels_stay(make):
    held = as_files_hold_it(make(np.arange(24.0).reshape(2, 4, 3)))  # c 2, w 4, h 3
    assert isinstance(held, np.ndarray)
    assert held.shape == (2, 3, 4)
    # pixel x 3, y 1 of the second channel: 12 + 3 * 3 + 1
    assert held[1, 1, 3] == 22


def test_gradients_are_no_obstacle():
    assert as_files_hold_it(torch.ones(1, 2, 3, requires_grad=True)).shape == (1, 3, 2)


def test_what_monais_reader_gives_is_the_picture_again(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    reader = PILReader()
    array, _ = reader.get_data(reader.read(str(tmp_path / "a.png")))
    assert array.shape == (7, 5, 3)  # w, h, c
    tensor = torch.as_tensor(array.astype(np.float32) / 255).permute(2, 0, 1)
    seen = picture(tensor)
    assert seen.dtype == np.uint8
    assert np.array_equal(seen, rgb)


def test_values_beyond_the_range_are_cut_and_halves_rounded_to_even():
    values = np.array([-0.5, 0.0, 0.5, 1.0, 7.0]).reshape(1, 5, 1).repeat(3, axis=0)
    assert picture(values)[0, :, 0].tolist() == [0, 0, 128, 255, 255]
