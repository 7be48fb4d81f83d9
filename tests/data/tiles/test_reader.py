"""What the checks accept is what the loader loads, to the pixel; what they refuse it refuses."""

import numpy as np
import pytest
from PIL import Image

from custom.checks import RequestError
from custom.data.images import decode_image
from custom.data.source_file import SourceFile
from custom.data.tiles.reader import LoadTiled

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 255, (20, 30, 3), np.uint8)


@pytest.mark.parametrize(
    ("name", "mode"),
    [("a.png", "RGB"), ("a.png", "L"), ("a.png", "1"), ("a.png", "P"), ("a.tif", "RGB"), ("a.bmp", "RGB"),
     ("a.jpg", "RGB"), ("a.webp", "RGB"), ("a.png", "RGBA"), ("a.tif", "LA")],
)  # fmt: skip
def test_it_loads_what_the_check_sees(tmp_path, name, mode):
    path = tmp_path / name
    Image.fromarray(RGB).convert(mode).save(path)
    seen = decode_image(SourceFile(path)).rgb
    loaded = LoadTiled("image")({"image": str(path)})["image"]
    # MONAI's pictures are (c, w, h).
    assert np.array_equal(np.asarray(loaded), seen.transpose(2, 1, 0))
    assert loaded.meta["filename_or_obj"] == str(path)


def test_it_refuses_what_the_check_refuses(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.tif", tiffinfo={274: 3})
    with pytest.raises(RequestError, match=r"a\.tif: found the orientation tag 3"):
        LoadTiled("image")({"image": str(tmp_path / "a.tif")})
