import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.data.utils import set_rnd
from skimage.color import combine_stains, hed_from_rgb, rgb_from_hed, separate_stains

from custom.transforms import RandStainJitterd
from custom.transforms.tiles.stain import StainJitter, grey, stain_jitter

unit = st.floats(0.5, 1.5)
shift = st.floats(-0.3, 0.3)


def image(seed=0, h=9, w=7):
    return torch.rand(3, h, w, generator=torch.Generator().manual_seed(seed))


def extremes():
    """Every corner of the colour cube, black and white included."""
    values = torch.tensor([0.0, 1.0])
    return torch.cartesian_prod(values, values, values).T.reshape(3, 2, 4).contiguous()


@pytest.mark.parametrize("sample", [image(), extremes()])
def test_the_default_jitter_is_the_identity(sample):
    torch.testing.assert_close(stain_jitter(sample, StainJitter()), sample, atol=2e-6, rtol=0)


def test_zero_strength_is_the_identity_to_the_bit():
    assert torch.equal(RandStainJitterd("image", strength=0)({"image": image()})["image"], image())


def test_gain_of_all_stains_by_hand():
    # Twice the amount of every stain is twice the density: (x + f) / (1 + f) is squared, f = 1 / 255.
    # x = .5: (.5 + .00392) / 1.00392 = .50195; squared .25196; times 1.00392 less .00392: .24902.
    result = stain_jitter(torch.full((3, 1, 1), 0.5), StainJitter(gain=(2.0, 2.0, 2.0)))
    assert result.flatten().tolist() == pytest.approx([0.24902] * 3, abs=1e-5)


def test_bias_of_one_stain_by_hand():
    # White has density 0; .1 of haematoxylin adds .1 (.65, .70, .29) / |...|, the length being
    # sqrt(.4225 + .49 + .0841) = .99830: densities .06511, .07012, .02905, light exp(-density): .93696, .93228, .97137;
    # times 1.00392 less .00392.
    result = stain_jitter(torch.ones(3, 1, 1), StainJitter(bias=(0.1, 0.0, 0.0)))
    wanted = [0.93696 * 1.00392 - 0.00392, 0.93228 * 1.00392 - 0.00392, 0.97137 * 1.00392 - 0.00392]
    assert result.flatten().tolist() == pytest.approx(wanted, abs=2e-5)


def test_gains_agree_with_skimages_colour_deconvolution():
    # skimage unmixes by the same stains, not normalised (gains do not see that) and with a floor of 1e-6, not 1 / 255.
    sample = 0.3 + 0.7 * image(1)
    stains = separate_stains(sample.permute(1, 2, 0).double().numpy(), hed_from_rgb)
    # skimage cuts negative amounts at 0; take the unmixing itself there.
    density = np.log(np.maximum(sample.permute(1, 2, 0).double().numpy(), 1e-6)) / np.log(1e-6)
    unmixed = density @ hed_from_rgb
    assert np.allclose(np.maximum(unmixed, 0), stains)
    wanted = combine_stains(unmixed * [1.2, 0.9, 1.0], rgb_from_hed)
    result = stain_jitter(sample, StainJitter(gain=(1.2, 0.9, 1.0))).permute(1, 2, 0).numpy()
    assert np.abs(result - wanted).max() < 5e-3


def test_brightness_and_saturation_by_hand():
    sample = torch.tensor([0.2, 0.4, 0.6]).view(3, 1, 1)
    assert stain_jitter(sample, StainJitter(brightness=1.1)).flatten().tolist() == pytest.approx([0.22, 0.44, 0.66])
    # Grey: .299 * .2 + .587 * .4 + .114 * .6 = .363; half way to it: .2815, .3815, .4815.
    result = stain_jitter(sample, StainJitter(saturation=0.5)).flatten().tolist()
    assert result == pytest.approx([0.2815, 0.3815, 0.4815], abs=1e-6)
    assert grey(sample).flatten().tolist() == pytest.approx([0.363])


@given(
    gain=st.tuples(unit, unit, unit),
    bias=st.tuples(shift, shift, shift),
    brightness=unit,
    saturation=unit,
    seed=st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_no_value_leaves_0_to_1_and_pixels_do_not_mix(gain, bias, brightness, saturation, seed):
    jitter = StainJitter(gain, bias, brightness, saturation)
    for sample in (image(seed), extremes()):
        before = sample.clone()
        result = stain_jitter(sample, jitter)
        assert torch.equal(sample, before)
        assert result.shape == sample.shape
        assert torch.isfinite(result).all()
        assert result.min() >= 0
        assert result.max() <= 1
        turned = stain_jitter(sample.transpose(1, 2).contiguous(), jitter).transpose(1, 2)
        torch.testing.assert_close(turned, result, atol=1e-6, rtol=0)


def test_draws_fill_their_ranges():
    stain = RandStainJitterd("image", strength=0.2).set_random_state(0)
    draws = []
    for _ in range(1000):
        stain.randomize()
        jitter = stain.jitter
        draws.append([*jitter.gain, jitter.brightness, jitter.saturation, *(1 + value for value in jitter.bias)])
    draws = np.array(draws)
    assert draws.min() >= 0.8
    assert draws.max() <= 1.2
    assert (draws.min(0) < 0.81).all()
    assert (draws.max(0) > 1.19).all()
    assert np.abs(np.corrcoef(draws.T) - np.eye(8)).max() < 0.15


def test_one_draw_for_all_keys_and_seeds_reproduce():
    stain = RandStainJitterd(["image", "other"], strength=0.2)
    item = {"image": image(), "other": image(), "id": "a"}
    result = stain.set_random_state(3)(item)
    assert torch.equal(result["image"], result["other"])
    assert torch.equal(result["image"], stain.set_random_state(3)(item)["image"])
    assert not torch.equal(result["image"], stain.set_random_state(4)(item)["image"])
    set_rnd(stain, 9)
    first = stain(item)["image"]
    set_rnd(stain, 9)
    assert torch.equal(first, stain(item)["image"])
    assert torch.equal(item["image"], image())


def test_prob():
    stain = RandStainJitterd("image", strength=0.2, prob=0.3).set_random_state(0)
    changed = sum(not torch.equal(stain({"image": image()})["image"], image()) for _ in range(500))
    assert 110 < changed < 190  # 150, standard deviation 10


def test_metadata_and_missing_keys():
    stain = RandStainJitterd(["image", "other"], strength=0.2, allow_missing_keys=True)
    assert type(stain({"image": MetaTensor(image())})["image"]) is torch.Tensor
    with pytest.raises(KeyError):
        RandStainJitterd(["image", "other"])({"image": image()})


def test_bad_input():
    for bad in [torch.zeros(1, 4, 4), torch.zeros(2, 3, 4, 4), torch.zeros(3, 4, 4, dtype=torch.uint8)]:
        with pytest.raises(ValueError, match=r"wanted \(3"):
            RandStainJitterd("image")({"image": bad})
    for strength in (-0.1, 1.0):
        with pytest.raises(ValueError, match="strength"):
            RandStainJitterd("image", strength=strength)
