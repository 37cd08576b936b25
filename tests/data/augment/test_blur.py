import numpy as np
from scipy.ndimage import gaussian_filter

from jtransfer.data.augment.blur import blurred


def test_each_picture_is_blurred_as_scipy_does_it():
    pictures = np.random.default_rng(0).random((3, 9, 7, 2), np.float32)
    down, across = np.array([0.5, 1.0, 0.3]), np.array([1.2, 0.4, 0.3])
    made = blurred(pictures, down, across, reach=3)
    for picture, sigma_down, sigma_across, found in zip(pictures, down, across, made, strict=True):
        expected = gaussian_filter(
            picture, (sigma_down, sigma_across, 0), radius=(3, 3, 0), mode="nearest"
        )
        np.testing.assert_allclose(found, expected, atol=1e-6)
