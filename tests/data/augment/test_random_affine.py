"""Random affine maps against scipy, hand-computed moves and what must not change."""

import jax
import numpy as np
import pytest
from scipy import ndimage

from jtransfer.data.augment.random_affine import random_affine


def pictures(count: int = 3, side: int = 9, channels: int = 2) -> np.ndarray:
    """Smooth images of numbers between 0 and 1."""
    noise = np.random.default_rng(0).random((count, side, side, channels))
    return ndimage.gaussian_filter(noise, (0, 1.5, 1.5, 0)).astype(np.float32)


def test_no_change_leaves_the_images():
    augment = random_affine(degrees=0, scale=1, shear=0, shift=0)
    images = pictures()
    np.testing.assert_allclose(augment(jax.random.key(0), images), images, atol=1e-6)


def test_the_map_is_scipys():
    key, images = jax.random.key(3), pictures()
    changed = jax.jit(random_affine(degrees=30, scale=1.5, shear=0.3, shift=1.5))(key, images)
    draws = np.asarray(jax.random.uniform(key, (6, 3, 1, 1), minval=-1.0))[:, :, 0, 0]
    for number, image in enumerate(images):
        turn, slant, tall, wide, down, across = draws[:, number]
        angle = np.radians(30) * turn
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        sheared = np.array([[1, 0], [0.3 * slant, 1]])
        scaled = np.diag([1.5**-tall, 1.5**-wide])
        matrix, move = scaled @ turned @ sheared, 1.5 * np.array([down, across])
        offset = np.array([4, 4]) - matrix @ (np.array([4, 4]) + move)
        for channel in range(2):
            expected = ndimage.affine_transform(
                image[..., channel], matrix, offset, order=1, mode="nearest"
            )
            np.testing.assert_allclose(changed[number, ..., channel], expected, atol=1e-5)


def test_a_shift_alone_moves_by_at_most_so_many_pixels():
    images = np.zeros((64, 11, 11, 1), np.float32)
    images[:, 5, 5] = 1
    moved = np.asarray(
        random_affine(degrees=0, scale=1, shear=0, shift=2)(jax.random.key(1), images)
    )
    np.testing.assert_allclose(moved.sum((1, 2, 3)), 1, atol=1e-5)
    rows = (moved[..., 0] * np.arange(11)[None, :, None]).sum((1, 2)) - 5
    assert np.abs(rows).max() <= 2
    assert rows.min() < -1.5  # and uses that range
    assert rows.max() > 1.5


def test_every_image_has_draws_of_its_own_and_the_key_decides():
    augment = random_affine()
    images = np.repeat(pictures(1), 2, axis=0)
    once, again = (np.asarray(augment(jax.random.key(0), images)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert np.abs(once[0] - once[1]).max() > 1e-3


@pytest.mark.parametrize(
    "bad", [{"scale": 0.5}, {"degrees": -1.0}, {"shear": -0.1}, {"shift": -2.0}]
)
def test_impossible_ranges_are_refused(bad):
    with pytest.raises(ValueError, match="expected a scale of at least 1"):
        random_affine(**bad)
