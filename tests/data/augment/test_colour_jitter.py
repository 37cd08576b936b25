import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.data.augment.colour_jitter import colour_jitter
from tests.draws import uniform

RED = jnp.array([0.8, 0.2, 0.2])
RED_GREY = 0.2989 * 0.8 + (0.587 + 0.114) * 0.2


def factors(jittered, pixel, other):
    """The factors that explain each image's first pixel, from its first channel."""
    return (jittered[:, 0, 0, 0] - other) / (pixel - other)


def test_brightness_is_a_factor_cut_off_at_white():
    images = jnp.tile(RED[None, None, None], (200, 2, 2, 1))
    bright = np.asarray(colour_jitter(brightness=0.5)(jax.random.key(0), images))
    used = factors(bright, 0.2, 0.0) / 4  # of the red channel, .8 = 4 * .2
    np.testing.assert_allclose(bright.max(), 1.0)
    green = bright[:, 0, 0, 1] / 0.2
    assert 0.5 <= green.min() < 0.53
    assert 1.47 < green.max() <= 1.5
    np.testing.assert_allclose(used, np.minimum(green, 1.25), rtol=1e-5)


def test_contrast_keeps_the_mean_grey():
    left, right = RED, jnp.zeros(3)
    images = jnp.tile(jnp.stack([left, right])[None, None], (100, 1, 1, 1))
    changed = np.asarray(colour_jitter(contrast=0.2)(jax.random.key(0), images))
    mean = RED_GREY / 2
    used = factors(changed, 0.8, mean)
    assert 0.8 <= used.min() < 0.82
    assert 1.18 < used.max() <= 1.2 + 1e-5
    expected = used * 0.2 + (1 - used) * mean
    np.testing.assert_allclose(changed[:, 0, 0, 1], expected, atol=1e-6)
    np.testing.assert_allclose(changed[:, 0, 1, 2], np.maximum((1 - used) * mean, 0), atol=1e-6)


def test_saturation_keeps_the_grey_of_every_pixel():
    images = jnp.tile(RED[None, None, None], (100, 2, 2, 1))
    changed = np.asarray(colour_jitter(saturation=0.3)(jax.random.key(0), images))
    used = factors(changed, 0.8, RED_GREY)
    assert 0.7 <= used.min() < 0.73
    np.testing.assert_allclose(changed[:, 1, 1, 2], used * 0.2 + (1 - used) * RED_GREY, atol=1e-6)


def test_jitter_does_one_after_the_other_in_the_range_of_the_images():
    images = uniform(0, (6, 4, 4, 3))
    key = jax.random.key(1)
    jitter = {"brightness": 0.4, "contrast": 0.3, "saturation": 0.2}
    small = jax.jit(colour_jitter(**jitter))(key, images)
    large = colour_jitter(**jitter, white=255.0)(key, 255 * images)
    np.testing.assert_allclose(large, 255 * small, rtol=1e-4, atol=1e-3)
    assert len({float(each) for each in (small / images)[:, 0, 0, 0]}) == 6
    np.testing.assert_array_equal(colour_jitter()(key, images), images)


def test_jitter_that_cannot_be():
    with pytest.raises(ValueError, match=r"contrast is -0.1; expected 0 or a positive"):
        colour_jitter(contrast=-0.1)
    with pytest.raises(ValueError, match=r"saturation of images .*; expected 1 channel"):
        colour_jitter(saturation=0.1)(jax.random.key(0), jnp.zeros((1, 2, 2, 2)))
