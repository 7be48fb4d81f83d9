"""What files say of the size of a pixel; numbers are 10,000 µm a cm and 25,400 µm an inch over the dots."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from custom.checks import RequestError
from custom.data.pixel_size import check_mpp, check_same, stated_mpp

PIXELS = np.full((8, 10, 3), 90, np.uint8)


def saved(kind, **options):
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, kind, **options)
    return stated_mpp(Image.open(file))


def written(**options):
    file = io.BytesIO()
    tifffile.imwrite(file, PIXELS, photometric="rgb", **options)
    file.seek(0)
    return stated_mpp(Image.open(file))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_dots_an_inch(kind):
    # 50,800 dots an inch are 0.5 µm a pixel.
    assert saved(kind, dpi=(50800, 50800)) == pytest.approx(0.5, rel=1e-3)
    for placeholder in (72, 96, 150, 300, 600, 1200):
        assert saved(kind, dpi=(placeholder, placeholder)) is None
    assert saved(kind) is None


def test_dots_a_centimetre_and_dots_of_nothing():
    assert written(resolution=(40000, 40000), resolutionunit="CENTIMETER") == pytest.approx(0.25)
    assert written(resolution=(40000, 40000), resolutionunit="NONE") is None
    assert written(resolution=(1, 1)) is None


@pytest.mark.parametrize(
    ("sizes", "mpp"),
    [
        ({"PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25}, 0.25),
        ({"PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}, 0.5),
        ({"PhysicalSizeX": 460, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 460, "PhysicalSizeYUnit": "nm"}, 0.46),
        ({"PhysicalSizeX": 0.001, "PhysicalSizeXUnit": "mm", "PhysicalSizeY": 0.001, "PhysicalSizeYUnit": "mm"}, 1.0),
        ({"PhysicalSizeX": 1, "PhysicalSizeXUnit": "pixel", "PhysicalSizeY": 1, "PhysicalSizeYUnit": "pixel"}, None),
        ({}, None),
    ],
)
def test_ome(sizes, mpp):
    assert written(ome=True, metadata={"axes": "YXS", **sizes}) == (mpp and pytest.approx(mpp))


@pytest.mark.parametrize(("unit", "mpp"), [("micron", 0.5), ("um", 0.5), ("\\u00B5m", 0.5), ("pixel", None)])
def test_imagej_counts_pixels_a_unit_of_its_own(unit, mpp):
    # 2 pixels a µm, whatever the resolution unit of the file says.
    text = f"ImageJ=1.54f\nunit={unit}\n"
    found = written(resolution=(2, 2), resolutionunit="NONE", description=text, metadata=None)
    assert found == (mpp and pytest.approx(mpp))


def test_aperio():
    text = "Aperio Image Library v11.2.1 \n46000x32914 |AppMag = 20|MPP = 0.4990|Left = 25.691574"
    assert written(description=text, metadata=None) == pytest.approx(0.499)


def test_pixels_that_are_not_square():
    with pytest.raises(ValueError, match=r"0\.5 x 0\.25 µm, wanted square"):
        saved("PNG", dpi=(50800, 101600))


@pytest.mark.parametrize("mpp", [0.05, 0.25, 1, 20, 20.0])
def test_sizes_of_microscopes(mpp):
    check_mpp(mpp)


@pytest.mark.parametrize("mpp", [0, -1, 250, 0.049, 20.1, float("nan"), float("inf"), "0.5", (0, 5), None, True])
def test_sizes_of_none(mpp):
    with pytest.raises(RequestError, match=r"--mpp: found .* wanted µm a pixel between 0.05 and 20"):
        check_mpp(mpp)


def test_a_contradiction():
    for stated, asked in ((0.2525, 0.25), (0.5, 0.5), (None, 0.5), (0.5, None)):
        check_same("a.tif", stated, asked)
    for stated, asked in ((0.25, 0.5), (0.46, 0.5), (0.5, 0.25)):
        with pytest.raises(RequestError, match=rf"a\.tif: .*{stated} µm.*{asked} was asked for; give --mpp {stated}"):
            check_same("a.tif", stated, asked)
