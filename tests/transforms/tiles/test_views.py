import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.data.utils import set_rnd
from scipy.ndimage import gaussian_filter

from custom.transforms import StrongViewd
from custom.transforms.tiles.stain import StainJitter, grey, stain_jitter
from custom.transforms.tiles.views import StrongJitter, strong_view


def image(seed=0, h=24, w=17):
    return torch.rand(3, h, w, generator=torch.Generator().manual_seed(seed))


def test_the_default_jitter_is_the_identity():
    assert torch.equal(strong_view(image(), StrongJitter()), image())
    weak = StrongViewd(strength=0, blur_prob=0, grey_prob=0)({"image": image()})
    torch.testing.assert_close(weak["strong"], image(), atol=2e-6, rtol=0)
    assert torch.equal(StrongViewd(prob=0)({"image": image()})["strong"], image())


def test_the_weak_view_stays_and_the_strong_one_is_a_copy():
    item = {"image": image(), "label": torch.ones(1, 24, 17), "id": "a"}
    result = StrongViewd(prob=0)(item)
    result["strong"].zero_()
    assert sorted(item) == ["id", "image", "label"]
    assert torch.equal(result["image"], image())
    assert result["label"] is item["label"]


def test_contrast_and_grey_by_hand():
    # Mean of .2, .4, .6 is .4; contrast .5 halves the way to it.
    sample = torch.tensor([0.2, 0.4, 0.6]).view(3, 1, 1)
    assert strong_view(sample, StrongJitter(contrast=0.5)).flatten().tolist() == pytest.approx([0.3, 0.4, 0.5])
    assert strong_view(sample, StrongJitter(grey=True)).flatten().tolist() == pytest.approx([0.363] * 3)


def test_stain_is_the_stain_jitter():
    jitter = StainJitter((1.2, 0.8, 1.0), (0.1, 0.0, -0.1), 0.9, 1.2)
    torch.testing.assert_close(strong_view(image(), StrongJitter(jitter)), stain_jitter(image(), jitter))


@pytest.mark.parametrize("sigma_px", [0.5, 1.0, 1.5])
def test_blur_agrees_with_scipy(sigma_px):
    wanted = gaussian_filter(image().numpy(), (0, sigma_px, sigma_px), mode="nearest", truncate=3.0)
    result = strong_view(image(), StrongJitter(sigma_px=sigma_px)).numpy()
    assert abs(result - wanted).max() < 1e-5
    flat = strong_view(torch.full((3, 9, 9), 0.7), StrongJitter(sigma_px=sigma_px))
    torch.testing.assert_close(flat, torch.full((3, 9, 9), 0.7))  # no dark frame


def test_no_pixel_moves():
    # A bright spot stays the brightest whatever is drawn, and turning the image turns its view.
    sample = torch.full((3, 24, 17), 0.2)
    sample[:, 5, 13] = 0.9
    for seed in range(30):
        view = StrongViewd(blur_prob=1.0).set_random_state(seed)({"image": sample})["strong"]
        assert divmod(int(view.sum(0).argmax()), 17) == (5, 13)
        turned = StrongViewd(blur_prob=1.0).set_random_state(seed)({"image": sample.transpose(1, 2).contiguous()})
        torch.testing.assert_close(turned["strong"].transpose(1, 2), view, atol=1e-5, rtol=0)


@given(seed=st.integers(0, 10_000), strength=st.floats(0, 0.9))
@settings(max_examples=50, deadline=None)
def test_no_value_leaves_0_to_1(seed, strength):
    sample = (1.4 * image(seed) - 0.2).clamp(0, 1)
    view = StrongViewd(strength=strength).set_random_state(seed)({"image": sample})["strong"]
    assert view.shape == sample.shape
    assert torch.isfinite(view).all()
    assert view.min() >= 0
    assert view.max() <= 1


def test_chances():
    views = StrongViewd(blur_prob=0.5, grey_prob=0.2, prob=0.8).set_random_state(0)
    drawn = []
    for _ in range(1000):
        views.randomize()
        drawn.append(views.jitter)
    assert 755 < sum(jitter.stain is not None for jitter in drawn) < 845  # 800, standard deviation 13
    assert 350 < sum(jitter.sigma_px > 0 for jitter in drawn) < 450  # 400, 15
    assert 120 < sum(jitter.grey for jitter in drawn) < 200  # 160, 12
    assert all(jitter.sigma_px == 0 or 0.5 <= jitter.sigma_px <= 1.5 for jitter in drawn)


def test_grey_views_have_no_colour():
    view = StrongViewd(grey_prob=1.0).set_random_state(0)({"image": image()})["strong"]
    torch.testing.assert_close(view, grey(view).expand(3, -1, -1))


def test_seeds_reproduce():
    views = StrongViewd()
    first = [views.set_random_state(1)({"image": image()})["strong"] for _ in range(2)]
    assert torch.equal(*first)
    assert not torch.equal(first[0], views.set_random_state(2)({"image": image()})["strong"])
    set_rnd(views, 7)
    second = views({"image": image()})["strong"]
    set_rnd(views, 7)
    assert torch.equal(second, views({"image": image()})["strong"])


def test_metadata_go_and_bad_input_is_refused():
    assert type(StrongViewd()({"image": MetaTensor(image())})["strong"]) is torch.Tensor
    with pytest.raises(ValueError, match=r"wanted \(3"):
        StrongViewd()({"image": torch.zeros(1, 4, 4)})
    with pytest.raises(ValueError, match="strength"):
        StrongViewd(strength=1.0)
    with pytest.raises(KeyError):
        StrongViewd()({"label": image()})
