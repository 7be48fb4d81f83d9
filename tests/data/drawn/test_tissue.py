import numpy as np
import pytest

from custom.data.drawn.tissue import Patient, cells, smooth_noise, stain, stamp


def test_light_follows_beer_and_lambert():
    # One unit of each stain, no noise, no blur: red 0.9 exp(-(0.5 + 0.1)) = 0.4939 -> 126; green 0.9 exp(-(0.7 + 0.9))
    # = 0.1817 -> 46; blue 0.9 exp(-(0.3 + 0.2)) = 0.5459 -> 139. The section's thickness varies by a few per cent,
    # so densities of 0.6, 1.6 and 0.5 keep their ratios.
    patient = Patient(
        "crypt", np.array([0.5, 0.7, 0.3]), np.array([0.1, 0.9, 0.2]), np.array([0.9, 0.9, 0.9]), 0.5, 1e-3, 0.0
    )
    ones = np.ones((200, 200), np.float32)
    image = stain(np.random.default_rng(0), patient, ones, ones)
    density = -np.log(image.reshape(-1, 3).mean(0) / 255 / 0.9)
    assert density == pytest.approx([0.6, 1.6, 0.5], rel=0.1)
    assert density[1] / density[0] == pytest.approx(1.6 / 0.6, rel=0.03)
    glass = stain(np.random.default_rng(0), patient, 0 * ones, 0 * ones)
    assert np.unique(glass).tolist() == [230]  # 0.9 * 255 = 229.5, and 0.5 is added before the cut


def test_a_stamped_nucleus_has_the_area_of_its_ellipse():
    # Half axes 9 and 4: pi * 9 * 4 = 113.1 px; the egg's taper changes it by about 1 %.
    nucleus = np.array([[20.0, 25.0, 0.0, 9.0, 4.0, 1.5, 0.0]])
    amount, cover = stamp((40, 50), nucleus)
    assert cover.sum() == pytest.approx(113.1, rel=0.06)
    assert amount.max() == pytest.approx(1.5)
    # Angle 0 lies along x.
    assert np.ptp(np.nonzero(cover.any(0))) > 1.8 * np.ptp(np.nonzero(cover.any(1)))
    turned = nucleus.copy()
    turned[0, 2] = np.pi / 2
    assert np.ptp(np.nonzero(stamp((40, 50), turned)[1].any(1))) > 14
    assert not stamp((9, 9), cells(np.random.default_rng(0), np.empty((0, 2)), 0.0, (3, 3), 1.0))[0].any()


@pytest.mark.parametrize("sigma_px", [1.0, 2.5, 8.0])
def test_noise_is_standard_and_as_smooth_as_it_says(sigma_px):
    noise = np.stack([smooth_noise(np.random.default_rng(seed), (150, 130), sigma_px) for seed in range(8)])
    assert noise.shape == (8, 150, 130)
    assert abs(noise.mean()) < 0.15
    assert noise.std() == pytest.approx(1, rel=0.15)
    # White noise smoothed by a Gaussian has the correlation exp(-d^2 / 4 sigma^2): 0.78 at d = sigma, 0.02 at 4 sigma.
    near, far = round(sigma_px), round(4 * sigma_px)
    expected = np.exp(-((near / sigma_px) ** 2) / 4)
    assert np.mean(noise[:, near:] * noise[:, :-near]) / noise.var() == pytest.approx(expected, abs=0.12)
    assert abs(np.mean(noise[:, far:] * noise[:, :-far])) / noise.var() < 0.2
