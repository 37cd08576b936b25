import numpy as np
import pytest

from jtransfer.data import DataError, Examples
from jtransfer.data.images import fit, to_bytes


def examples(side, channels, value=200):
    images = np.full((2, side, side, channels), value, np.uint8)
    return Examples(images, np.array([0, 1]), ("a", "b"), "toys")


def test_mnists_size_gets_a_dark_border_and_grey_three_channels():
    fitted = fit(examples(28, 1), size=32)
    assert fitted.images.shape == (2, 32, 32, 3)
    assert (fitted.images[:, 2:30, 2:30] == 200).all()
    assert fitted.images[:, :2].max() == fitted.images[:, :, 30:].max() == 0


def test_other_sizes_are_resized():
    small = examples(8, 1, 0)
    small.images[:, 4:] = 255
    fitted = fit(small, size=32, channels=1).images
    assert fitted.shape == (2, 32, 32, 1)
    assert fitted[:, :12].max() == 0
    assert fitted[:, 20:].min() == 255
    assert (np.diff(fitted[0, :, 0, 0].astype(int)) >= 0).all()
    assert fit(examples(48, 3), size=32).images.shape == (2, 32, 32, 3)


def test_what_fits_is_left_alone():
    there = examples(32, 3)
    assert fit(there, size=32).images is there.images


def test_colour_does_not_become_grey():
    with pytest.raises(DataError, match="toys: images have 3 channels; expected at most 1"):
        fit(examples(32, 3), size=32, channels=1)


def test_other_ranges_are_spread_over_the_bytes():
    np.testing.assert_array_equal(to_bytes(np.array([0.0, 0.5, 1.0])), [0, 128, 255])
    np.testing.assert_array_equal(to_bytes(np.array([0, 4, 16]), high=16), [0, 64, 255])
    np.testing.assert_array_equal(to_bytes(np.array([-1.0, 0.2]), low=-1.0), [0, 153])
    assert to_bytes(np.zeros((2, 3))).dtype == np.uint8


@pytest.mark.parametrize("wrong", [1.5, -0.1, np.nan])
def test_values_outside_the_range_are_refused(wrong):
    with pytest.raises(DataError, match=r"expected 0\.0 to 1\.0\. Name the range"):
        to_bytes(np.array([0.0, wrong]))
    with pytest.raises(DataError, match="the lower end first"):
        to_bytes(np.zeros(2), low=1.0)
