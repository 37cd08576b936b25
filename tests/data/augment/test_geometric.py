import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jtransfer.data.augment.geometric import (
    _boxes,
    compose,
    on_images,
    random_crop,
    random_flip,
    random_resized_crop,
    random_shift,
)
from tests.draws import uniform


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


def test_the_border_moves_in():
    image = jnp.array([[1.0, 2.0], [3.0, 4.0]])[None, :, :, None]
    images = jnp.tile(image, (64, 1, 1, 1))
    shifted = np.asarray(random_shift(1, fill="edge")(jax.random.key(0), images))[..., 0]
    seen = {tuple(each.ravel().tolist()) for each in shifted}
    assert len(seen) == 9
    assert {(1, 1, 1, 1), (1, 2, 1, 2), (4, 4, 4, 4), (1, 2, 3, 4)} <= seen


@pytest.mark.parametrize("size", [4, 16, 40])  # smaller and larger than the rectangles
def test_a_resized_crop_is_pillows(size):
    key = jax.random.key(2)
    images = uniform(1, (12, 24, 18, 1))
    scale, ratio = (0.08, 1.0), (3 / 4, 4 / 3)
    crops = jax.jit(random_resized_crop(size, scale=scale, ratio=ratio))(key, images)
    assert crops.shape == (12, size, size, 1)
    boxes = np.asarray(_boxes(key, 12, 24, 18, scale, ratio), np.float64)
    for image, crop, (top, left, height, width) in zip(
        np.asarray(images), crops, boxes, strict=True
    ):
        box = (left, top, min(left + width, 18), min(top + height, 24))
        expected = Image.fromarray(image[..., 0]).resize(
            (size, size), Image.Resampling.BILINEAR, box
        )
        np.testing.assert_allclose(crop[..., 0], np.asarray(expected), atol=2e-5)


def test_rectangles_have_the_areas_and_ratios_that_were_asked_for():
    top, left, height, width = np.asarray(
        _boxes(jax.random.key(0), 4000, 30, 40, (0.2, 0.6), (0.5, 2.0))
    ).T
    assert min(top.min(), left.min()) >= 0
    assert (top + height).max() <= 30 + 1e-4
    assert (left + width).max() <= 40 + 1e-4
    shares, ratios = height * width / 1200, width / height
    assert 0.2 <= shares.min() < 0.21
    assert 0.58 < shares.max() <= 0.6 + 1e-6
    assert 0.5 - 1e-6 <= ratios.min() < 0.52
    assert 1.9 < ratios.max() <= 2.0 + 1e-6
    assert (left[width < 20] < 2).any()
    assert ((left + width)[width < 20] > 38).any()


def test_where_nothing_fits_the_largest_rectangle_is_taken_from_the_centre():
    boxes = _boxes(jax.random.key(0), 3, 10, 40, (1.0, 1.0), (3 / 4, 4 / 3))
    # 10 pixels high, 4/3 times as wide, (40 - 40/3) / 2 from the left
    np.testing.assert_allclose(boxes, [[0, 40 / 3, 10, 40 / 3]] * 3, rtol=1e-6)


@pytest.mark.parametrize(
    "ranges", [{"scale": (0.5, 0.1)}, {"scale": (0.5, 1.5)}, {"ratio": (0.0, 1.0)}]
)
def test_ranges_of_crops_must_be_some(ranges):
    with pytest.raises(ValueError, match="expected two positive numbers each"):
        random_resized_crop(8, **ranges)


def test_only_zeros_or_the_border_move_in():
    with pytest.raises(ValueError, match="fill is 'wrap'"):
        random_shift(1, fill="wrap")  # pyright: ignore[reportArgumentType]


def test_on_images_only_one_domains_images_change():
    batch = {
        "source": {"image": numbered(), "label": jnp.arange(64)},
        "target": {"image": numbered()},
    }
    key = jax.random.key(0)
    after = on_images(random_flip, domain="target")(key, batch)
    np.testing.assert_array_equal(after["target"]["image"], random_flip(key, numbered()))
    assert after["source"] is batch["source"]
