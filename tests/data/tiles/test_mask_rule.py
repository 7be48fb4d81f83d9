"""What the values of a mask mean: ids stay, what is meant beyond doubt is done and said, the rest is refused."""

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage
from skimage.draw import disk

from custom.checks import RequestError
from custom.data.masks import DecodedMask, decode_mask
from custom.data.source_file import SourceFile
from custom.data.tiles.classes import Classes
from custom.data.tiles.mask_rule import gland_ids
from custom.data.tiles.two_levels import two_levels

SHAPE = (120, 160)
CENTRES = [(30, 30), (30, 80), (35, 130), (90, 40), (85, 110)]


def drawn(values, radius=16):
    """Discs far apart, each of its own value."""
    mask = np.zeros(SHAPE, np.uint8)
    for centre, value in zip(CENTRES, values, strict=False):
        mask[disk(centre, radius)] = value
    return mask


IDS = drawn([1, 2, 3, 4, 5])
GLAND = IDS > 0
PICTURE = Image.fromarray(GLAND * np.uint8(255))


def rule(values, classes=""):
    names = tuple(name for name in classes.split(",") if name)
    ids, remarks, found = gland_ids(SourceFile("m.png"), DecodedMask(np.asarray(values)), Classes(names))
    return ids, remarks, found


def refused(values, message, classes=""):
    with pytest.raises(RequestError, match=message) as error:
        rule(values, classes)
    assert str(error.value).startswith("m.png: ")


def as_png(tmp_path, image, suffix, **options):
    """A picture that another program compressed and that was saved as PNG again."""
    image.save(tmp_path / f"a.{suffix}", **options)
    Image.open(tmp_path / f"a.{suffix}").save(tmp_path / "again.png")
    return SourceFile(tmp_path / "again.png")


@pytest.mark.parametrize("factor", [1, 20, 51])
@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.float64])
def test_ids_stay_as_they_are(factor, kind):
    ids, remarks, _ = rule((IDS.astype(int) * factor).astype(kind))
    assert np.array_equal(ids, IDS)
    assert remarks == []


def test_touching_glands_slivers_and_a_torn_gland_stay():
    mask = IDS.copy()
    mask[24:36, 46:64] = 6  # touches two
    mask[0, 0], mask[60, 20:24], mask[100:103, 150] = 7, 8, 9  # slivers
    mask[90, :] = np.where(mask[90, :] == 4, 0, mask[90, :])  # a crack of one pixel
    ids, remarks, _ = rule(mask)
    assert np.array_equal(ids, mask)
    assert remarks == []


def test_every_pixel_its_own_id():
    mask = np.arange(600, dtype=np.uint16).reshape(20, 30)
    assert np.array_equal(rule(mask)[0], mask)


def test_one_value_is_pieces():
    for values in (GLAND, GLAND * np.uint8(255), GLAND * 1.0):
        ids, remarks, _ = rule(values)
        assert (ids.max(), remarks) == (5, [])
    assert rule(np.zeros(SHAPE))[1] == []


def test_a_mask_without_background_is_said_or_refused():
    ids, remarks, _ = rule(np.full(SHAPE, 255))
    assert (ids.max(), len(remarks)) == (1, 1)
    assert "none is background" in remarks[0]
    refused(GLAND + 1, "the values 1, 2 and no 0, wanted 0 for background; --classes")
    ids, _, found = rule(GLAND + 1, "2")
    assert (ids.max(), found) == (5, {"1": 1, "2": 1})


def test_an_inverted_mask_is_said():
    assert "inverted" in rule(~GLAND)[1][0]


@pytest.mark.parametrize("radius", [0.5, 1, 2])
def test_smoothed_edges_are_cut_at_half(radius):
    smooth = np.asarray(PICTURE.filter(ImageFilter.GaussianBlur(radius)))
    ids, remarks, _ = rule(smooth)
    assert ids.max() == 5
    assert np.array_equal(ids > 0, smooth > 127)
    assert remarks[0].endswith("cut at half")


@pytest.mark.parametrize("way", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
@pytest.mark.parametrize("scale", [0.5, 0.7, 1.4, 2])
def test_resized_masks_are_cut_at_half(way, scale):
    small = PICTURE.resize((round(SHAPE[1] * scale), round(SHAPE[0] * scale)), way)
    for values, half in ((np.asarray(small), 127), (np.asarray(small) / 255, 0.5), (np.asarray(small) // 64, 1.5)):
        ids, remarks, _ = rule(values)
        assert ids.max() == 5
        assert np.array_equal(ids > 0, values > half)
        assert remarks


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize(("suffix", "quality"), [("jpg", 40), ("jpg", 75), ("jpg", 95), ("webp", 60), ("webp", 90)])
def test_lossy_compression_is_told_by_values_not_by_name(tmp_path, mode, suffix, quality):
    file = as_png(tmp_path, PICTURE.convert(mode), suffix, quality=quality)
    ids, remarks, _ = gland_ids(file, decode_mask(file))
    assert ids.max() == 5
    assert ((ids > 0) != GLAND).mean() < 0.01
    assert "cut at half" in remarks[0]


def test_a_jpeg_is_taken_by_the_same_rule(tmp_path):
    PICTURE.save(tmp_path / "a.jpg")
    file = SourceFile(tmp_path / "a.jpg")
    assert gland_ids(file, decode_mask(file))[0].max() == 5
    for values in (IDS, IDS * 51, GLAND * np.uint8(1)):
        Image.fromarray(values).save(tmp_path / "a.jpg")
        with pytest.raises(RequestError, match="lossy compression invents values"):
            gland_ids(file, decode_mask(file))


def test_a_palette_of_greys_is_taken_by_them_where_they_are_smoothed(tmp_path):
    small = PICTURE.resize((80, 60), Image.Resampling.BILINEAR).quantize(6)
    small.save(tmp_path / "a.png")
    file = SourceFile(tmp_path / "a.png")
    ids, remarks, _ = gland_ids(file, decode_mask(file))
    assert np.array_equal(ids > 0, np.asarray(small.convert("L")) > 127)
    assert "that its palette shows" in remarks[0]


def test_ids_that_were_smoothed_or_compressed_are_refused(tmp_path):
    for ids in (IDS, IDS * 51):
        for scale in (0.5, 1.5):
            size = (round(SHAPE[1] * scale), round(SHAPE[0] * scale))
            refused(Image.fromarray(ids).resize(size, Image.Resampling.BILINEAR), "only at the edges of others")
    for suffix in ("jpg", "webp"):
        file = as_png(tmp_path, Image.fromarray(IDS * 51), suffix, quality=80)
        with pytest.raises(RequestError, match="wanted"):
            gland_ids(file, decode_mask(file))


def test_a_border_of_its_own_value_around_glands_is_refused():
    grown = ndimage.binary_dilation(GLAND, iterations=2)
    refused(np.where(GLAND, 1, np.where(grown, 255, 0)), "only at the edges|several places")


def test_soft_predictions_are_refused():
    soft = ndimage.gaussian_filter(GLAND.astype(float), 9)
    refused(soft, "fractions")
    refused(np.where(soft > 2, np.nan, np.nan), "fractions")
    refused((soft * 200).astype(np.uint8), "only at the edges|several places|no 0")


def test_classes_in_place_of_ids_are_refused():
    refused(drawn([1, 2, 1, 2, 1]), r"several places far apart \(1 in 3, 2 in 2\).*--classes")
    refused(drawn([1, 1, 1, 1, 2]), "several places far apart")
    lumen = np.where(drawn([1] * 5, 6) > 0, 2, GLAND)
    refused(lumen, r"1 in 5, 2 in 5")
    wrapped = np.tile(IDS, (3, 3))  # as when more than 255 ids are cut to 8 bits
    refused(wrapped, "1 in 9")


def test_classes_named_are_joined_to_glands():
    lumen = np.where(drawn([1] * 5, 6) > 0, 2, GLAND)
    ids, remarks, _ = rule(lumen, "1,2")
    assert np.array_equal(ids > 0, GLAND)
    assert (ids.max(), remarks) == (5, [])
    ids, remarks, _ = rule(drawn([1, 2, 1, 2, 1]), "1")
    assert (ids.max(), remarks) == (3, ["left out by --classes: the values 2"])
    # names alone are for outlines
    assert np.array_equal(rule(IDS, "Gland")[0], IDS)


def test_what_may_be_classes_is_said():
    ids, remarks, _ = rule(drawn([1, 2, 3, 4, 4]))
    assert ids.max() == 4
    assert remarks == ["values in several places far apart, each taken for one gland: 4 in 2"]
    inner = np.where(drawn([1], 6) > 0, 2, drawn([1]))
    assert rule(inner)[1] == ["values that lie wholly inside another one, taken for glands of their own: 2"]


def test_two_levels_are_no_ids():
    assert two_levels(IDS) is None
    assert two_levels(IDS * 51) is None
    assert two_levels(np.where(IDS == 5, 250, IDS)) is None
    above, low, high = two_levels(np.asarray(PICTURE.filter(ImageFilter.BoxBlur(1))))
    assert (low, high) == (0, 255)
    assert above.sum() == pytest.approx(GLAND.sum(), rel=0.03)


@pytest.mark.data
@pytest.mark.parametrize(("pattern", "glands"), [("glas/*_anno.png", 1435), ("ebhi/*/*_anno.png", 6515)])
def test_real_masks_stay_as_they_are(shared_data, pattern, glands):
    # The numbers are those of `instance_ids` alone, before there was a rule.
    files = [SourceFile(path) for path in sorted(shared_data.glob(pattern))]
    assert sum(int(gland_ids(file, decode_mask(file))[0].max()) for file in files) == glands
