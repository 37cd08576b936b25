import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.data.augment import compose, random_crop, random_flip, random_shift


def numbered(count=64, height=5, width=4):
    """Images whose pixels are all different."""
    return jnp.arange(count * height * width * 2, dtype=jnp.float32).reshape(
        count, height, width, 2
    )


def test_about_half_of_the_images_are_mirrored_whole():
    images = numbered()
    flipped = np.asarray(jax.jit(random_flip)(jax.random.key(0), images))
    same = (flipped == images).all(axis=(1, 2, 3))
    mirrored = (flipped == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (same ^ mirrored).all()
    assert 20 < mirrored.sum() < 44


def test_every_crop_is_a_part_of_its_image_and_all_places_occur():
    images = numbered()
    crops = np.asarray(jax.jit(random_crop(3))(jax.random.key(0), images))
    assert crops.shape == (64, 3, 3, 2)
    places = set()
    for image, crop in zip(np.asarray(images), crops, strict=True):
        ((top, left),) = [
            (y, x)
            for y in range(3)
            for x in range(2)
            if (image[y : y + 3, x : x + 3] == crop).all()
        ]
        places.add((top, left))
    assert len(places) == 6


def test_a_crop_that_does_not_fit():
    with pytest.raises(ValueError, match="a crop of 6 pixels out of images of 5x4"):
        random_crop(6)(jax.random.key(0), numbered())


def test_a_shift_moves_the_image_and_zeros_move_in():
    images = numbered() + 1
    shifted = np.asarray(jax.jit(random_shift(1))(jax.random.key(0), images))
    padded = np.pad(np.asarray(images), ((0, 0), (1, 1), (1, 1), (0, 0)))
    moves = set()
    for whole, image in zip(padded, shifted, strict=True):
        moves |= {
            (y, x)
            for y in range(3)
            for x in range(3)
            if (whole[y : y + 5, x : x + 4] == image).all()
        }
    assert len(moves) == 9


def test_composed_each_has_a_key_of_its_own():
    images = numbered()
    both = compose(random_flip, random_crop(4))(jax.random.key(3), images)
    first, second = jax.random.split(jax.random.key(3))
    one_by_one = random_crop(4)(second, random_flip(first, images))
    np.testing.assert_array_equal(both, one_by_one)
