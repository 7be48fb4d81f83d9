import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.data.utils import set_rnd
from monai.transforms import Compose

from custom.transforms import RandZoomCropd
from custom.transforms.tiles.zoom_crop import Window, zoom_crop, zoom_of

KEYS, MODES = ["image", "label", "distance"], ["bilinear", "nearest", "bilinear"]


def ramp(h, w):
    """Three planes that tell where a pixel came from: its row, its column, 0 (all in [0, 1])."""
    rows, columns = torch.meshgrid(torch.arange(h) / 100, torch.arange(w) / 100, indexing="ij")
    return torch.stack([rows, columns, torch.zeros(h, w)])


def item(h=60, w=41):
    """A non-square, asymmetric item: a blob in one corner, the same in all maps."""
    inside = torch.zeros(h, w, dtype=torch.bool)
    inside[5 : h // 2, 3 : w // 3] = True
    return {
        "image": torch.stack([inside.float(), ramp(h, w)[0], ramp(h, w)[1]]),
        "label": 7 * inside[None].to(torch.int32),
        "distance": 2 * inside[None].float() - 1,
        "id": "a",
    }


def test_zoom_of_one_is_a_plain_crop_of_every_map():
    data = item()
    crop = RandZoomCropd(KEYS, (20, 16), (1.0, 1.0), MODES).set_random_state(3)
    result = crop(data)
    top, left = crop.window.start
    for key in KEYS:
        assert torch.equal(result[key], data[key][:, top : top + 20, left : left + 16])
        assert result[key].dtype == data[key].dtype
    assert result["id"] == "a"


def test_nearest_by_hand():
    # Window of 5 from pixel 2 brought to 3: centres at (i + .5) 5 / 3 = .83, 2.5, 4.17, pixels 0, 2, 4 of the window.
    # Window of 2 from pixel 1 brought to 4: centres at .25, .75, 1.25, 1.75, pixels 0, 0, 1, 1.
    label = torch.arange(100).view(1, 10, 10)
    result = zoom_crop(label, Window((2, 1), (5, 2)), (3, 4), "nearest")
    assert result[0].tolist() == [[21, 21, 22, 22], [41, 41, 42, 42], [61, 61, 62, 62]]


def test_mirror_by_hand():
    # 0 1 2 goes on as ... 2 2 1 0 | 0 1 2 | 2 1 0 0 1 ...
    label = torch.arange(3).view(1, 1, 3)
    result = zoom_crop(label, Window((0, -4), (1, 12)), (1, 12), "nearest")
    assert result.flatten().tolist() == [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]


@given(h=st.integers(1, 30), w=st.integers(1, 30), pad=st.integers(0, 30))
@settings(max_examples=30, deadline=None)
def test_mirror_agrees_with_numpy(h, w, pad):
    label = torch.arange(h * w).view(1, h, w)
    wanted = np.pad(label[0].numpy(), pad, mode="symmetric")
    window = Window((-pad, -pad), (h + 2 * pad, w + 2 * pad))
    assert np.array_equal(zoom_crop(label, window, window.length, "nearest")[0].numpy(), wanted)


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.25, 2.0])
def test_all_maps_stay_aligned(scale):
    # The image's first plane is the mask itself, so that mask, label and distance must change at the same pixels.
    for seed in range(10):
        result = RandZoomCropd(KEYS, (24, 18), (scale, scale), MODES).set_random_state(seed)(item())
        label = result["label"] > 0
        zoom = float(result["distance"].abs().max())
        assert zoom == pytest.approx(scale, rel=0.05)  # the window is whole pixels
        for plane, middle in [(result["image"][:1], 0.5), (result["distance"], 0.0)]:
            clear = (plane - middle).abs() > 0.499 * (zoom if middle == 0 else 1)  # half-way pixels may go either way
            assert torch.equal(plane[clear] > middle, label[clear])
            assert clear.float().mean() > 0.7


def test_place_and_zoom_of_the_image_by_hand():
    # Window of 10 rows and 20 columns from (4, 6) brought to (20, 40): twice as large. Pixel i lies at
    # start + (i + .5) / 2 - .5, and the ramp's value is a hundredth of it; beyond the window its edge is repeated.
    result = zoom_crop(ramp(50, 50), Window((4, 6), (10, 20)), (20, 40), "bilinear")
    rows = (4 + (torch.arange(20) + 0.5) / 2 - 0.5).clamp(4, 13) / 100
    columns = (6 + (torch.arange(40) + 0.5) / 2 - 0.5).clamp(6, 25) / 100
    torch.testing.assert_close(result[0], rows[:, None].expand(20, 40))
    torch.testing.assert_close(result[1], columns[None].expand(20, 40))


@pytest.mark.parametrize("antialias", [True, False])
def test_bilinear_agrees_with_torch(antialias):
    image = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(0))
    wanted = F.interpolate(image[None, :, 5:35, 10:50], size=(16, 18), mode="bilinear", antialias=antialias)[0]
    result = zoom_crop(image, Window((5, 10), (30, 40)), (16, 18), "bilinear", antialias)
    torch.testing.assert_close(result, wanted)


def test_distance_is_multiplied_by_the_zoom():
    # A border at row 20 of an image at 1 µm: distance = row + .5 - 20 µm. Magnified twice, a pixel stands for half as
    # much of the slide, and the network, which takes it for 1 µm, must see distances twice as long: 1 per pixel again.
    distance = (torch.arange(40.0) + 0.5 - 20).view(1, 40, 1).expand(1, 40, 30)
    crop = RandZoomCropd("distance", (30, 20), (2.0, 2.0), "bilinear").set_random_state(1)
    result = crop({"distance": distance})["distance"][0, :, 0]
    assert crop.window.length == (15, 10)
    steps = result.diff()
    assert steps[1:-1].tolist() == pytest.approx([1.0] * 27, abs=1e-4)
    # Pixel 10 lies at start + 10.5 / 2 rows from the image's top.
    assert result[10].item() == pytest.approx(2 * (crop.window.start[0] + 5.25 - 20), abs=1e-4)


def test_distance_of_a_disc_is_that_of_the_zoomed_disc():
    rows, columns = torch.meshgrid(torch.arange(80.0), torch.arange(60.0), indexing="ij")
    distance = 15 - torch.hypot(rows + 0.5 - 40, columns + 0.5 - 30)
    crop = RandZoomCropd(["distance"], (60, 45), (0.75, 0.75), "bilinear").set_random_state(0)
    result = crop({"distance": distance[None]})["distance"][0]
    (top, left), zoom = crop.window.start, 0.75
    rows, columns = torch.meshgrid(torch.arange(60.0), torch.arange(45.0), indexing="ij")
    wanted = 15 * zoom - torch.hypot(rows + 0.5 - (40 - top) * zoom, columns + 0.5 - (30 - left) * zoom)
    assert (result - wanted).abs().max() < 0.35  # px; the peak of the cone is rounded, the rest is nearer
    assert (result - wanted).abs().median() < 0.02


def test_small_images_lie_wholly_inside_and_go_on_in_all_maps_alike():
    data = item(20, 13)
    places = set()
    for seed in range(20):
        crop = RandZoomCropd(KEYS, (32, 40), (1.0, 1.0), MODES).set_random_state(seed)
        result = crop(data)
        top, left = (-start for start in crop.window.start)
        assert 0 <= top <= 12
        assert 0 <= left <= 27
        places.add((top, left))
        for key in KEYS:
            assert torch.equal(result[key][:, top : top + 20, left : left + 13], data[key])
        assert torch.equal(result["image"][:1] > 0.5, result["label"] > 0)
        assert torch.equal(result["distance"] > 0, result["label"] > 0)
    assert len(places) > 10


def test_a_large_image_is_reached_to_its_last_pixel_and_never_left():
    starts = set()
    crop = RandZoomCropd("image", 4, (1.0, 1.0)).set_random_state(0)
    for _ in range(300):
        crop({"image": torch.zeros(1, 7, 5)})
        starts.add(crop.window.start)
    assert starts == {(row, column) for row in range(4) for column in range(2)}


def test_scales_are_log_uniform():
    crop = RandZoomCropd("image", 1000, (0.5, 2.0)).set_random_state(0)
    logs = []
    for _ in range(2000):
        crop.randomize((1000, 1000))
        logs.append(math.log2(zoom_of(crop.window, crop.size)))
    share, edges = np.histogram(logs, bins=4, range=(-1.01, 1.01))
    assert edges[0] < min(logs) < -0.98
    assert 0.98 < max(logs) < edges[-1]
    assert share.min() > 425  # 500 each, standard deviation 19


def test_prob_is_the_chance_of_a_zoom():
    crop = RandZoomCropd("image", 50, (2.0, 2.0), prob=0.3).set_random_state(0)
    zoomed = 0
    for _ in range(500):
        assert crop({"image": torch.zeros(1, 60, 70)})["image"].shape == (1, 50, 50)
        zoomed += crop.window.length == (25, 25)
    assert 110 < zoomed < 190  # 150, standard deviation 10


@given(
    h=st.integers(1, 50),
    w=st.integers(1, 50),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_any_size_and_no_value_leaves_its_range(h, w, size, seed):
    generator = torch.Generator().manual_seed(seed)
    image = (torch.rand(3, h, w, generator=generator) * 1.4 - 0.2).clamp(0, 1)
    label = torch.randint(0, 5, (1, h, w), generator=generator, dtype=torch.int32)
    crop = RandZoomCropd(["image", "label"], size, (0.4, 2.5), ["bilinear", "nearest"]).set_random_state(seed)
    result = crop({"image": image, "label": label})
    assert result["image"].shape == (3, *size)
    assert result["label"].shape == (1, *size)
    assert result["image"].min() >= 0
    assert result["image"].max() <= 1
    assert set(result["label"].unique().tolist()) <= set(label.unique().tolist())


def test_seeds_reproduce_alone_and_within_monais_compose():
    crop = RandZoomCropd(KEYS, 16, (0.5, 2.0), MODES)
    first = [crop.set_random_state(5)(item())["image"] for _ in range(2)]
    assert torch.equal(*first)
    assert not torch.equal(first[0], crop.set_random_state(6)(item())["image"])
    chain, results = Compose([crop]), []
    for _ in range(2):
        set_rnd(chain, 11)
        results.append(chain(item())["image"])
    assert torch.equal(*results)


def test_unlabelled_items_get_the_same_window_as_labelled_ones():
    crop = RandZoomCropd(KEYS, 16, (0.5, 2.0), MODES)
    labelled = crop.set_random_state(2)(item())
    unlabelled = crop.set_random_state(2)({"image": item()["image"]})
    assert list(unlabelled) == ["image"]
    assert torch.equal(labelled["image"], unlabelled["image"])


def test_the_item_is_not_changed_and_metadata_go():
    data = item()
    data["image"] = MetaTensor(data["image"])
    copies = {key: data[key].clone() for key in KEYS}
    result = RandZoomCropd(KEYS, (60, 41), (1.0, 1.0), MODES)(data)
    assert type(result["image"]) is torch.Tensor
    for key in KEYS:
        result[key].zero_()  # a copy even where the window is the whole image
        assert torch.equal(torch.as_tensor(data[key]), torch.as_tensor(copies[key]))


def test_bad_input():
    crop = RandZoomCropd(KEYS, 8, modes=MODES)
    with pytest.raises(ValueError, match="one spatial shape"):
        crop({**item(60, 41), "label": item(41, 60)["label"]})
    with pytest.raises(ValueError, match="one spatial shape"):
        crop({"id": "nothing to cut"})
    with pytest.raises(ValueError, match=r"wanted \(c"):
        RandZoomCropd("image", 8)({"image": torch.zeros(10, 10)})
    with pytest.raises(ValueError, match="floating"):
        RandZoomCropd("label", 8)({"label": item()["label"]})
    for arguments in [{"size": 0}, {"scale_range": (0.0, 1.0)}, {"scale_range": (2.0, 1.0)}, {"modes": "cubic"}]:
        with pytest.raises(ValueError, match="wanted"):
            RandZoomCropd("image", **{"size": 8, **arguments})
    with pytest.raises(ValueError, match="mode"):
        zoom_crop(torch.zeros(1, 4, 4), Window((0, 0), (2, 2)), (2, 2), "cubic")
