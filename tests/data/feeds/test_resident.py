import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from jtransfer.data.feeds.order import shuffled_positions
from jtransfer.data.feeds.resident import (
    Domain,
    ResidentFeed,
    centred,
    channel_means,
    standardised,
)


@given(
    length=st.integers(1, 60),
    batch=st.integers(1, 60),
    epoch=st.integers(0, 5),
    seed=st.integers(0),
)
def test_an_epoch_shows_every_example_once_but_for_what_fills_no_batch(length, batch, epoch, seed):
    batch = min(batch, length)
    per_epoch = length // batch
    steps = range(epoch * per_epoch, (epoch + 1) * per_epoch)
    seen = np.concatenate(
        [shuffled_positions(length, batch, step=step, seed=(seed,)) for step in steps]
    )
    assert len(set(seen)) == len(seen) == per_epoch * batch
    assert seen.min() >= 0
    assert seen.max() < length


def test_epochs_and_seeds_are_in_different_orders():
    first, second, other = (
        shuffled_positions(100, 100, step=step, seed=(seed,))
        for step, seed in [(0, 0), (1, 0), (0, 1)]
    )
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.fixture
def feed():
    images = np.arange(10 * 2 * 2 * 3, dtype=np.uint8).reshape(10, 2, 2, 3)
    source = {"image": images, "label": np.arange(10, dtype=np.int32)}
    return ResidentFeed(
        {
            "source": Domain(source, 4, centred(np.array([0.5, 0.0, 1.0]))),
            "target": Domain({"image": images[:5]}, 2),
        },
        seed=3,
    )


def test_batches_are_gathered_and_transformed_inside_a_program(feed):
    batch = jax.jit(feed.gather)(feed.constants, feed.inputs(1))
    labels = np.asarray(batch["source"]["label"])
    expected = labels[:, None] * 12.0 + np.arange(12.0)
    pixels = expected.reshape(4, 2, 2, 3) / 255 - [0.5, 0.0, 1.0]
    np.testing.assert_allclose(batch["source"]["image"], pixels, atol=1e-6)
    assert batch["target"]["image"].dtype == jnp.uint8
    assert batch["target"]["image"].shape == (2, 2, 2, 3)
    assert feed.examples_per_step == 6


def test_a_batch_is_a_function_of_seed_and_step(feed):
    again = ResidentFeed(feed.domains, seed=3)
    for step in (0, 7, 3):
        jax.tree.map(np.testing.assert_array_equal, feed.inputs(step), again.inputs(step))


def test_domains_of_one_length_are_shuffled_apart():
    domain = Domain({"image": np.zeros((50, 1))}, 50)
    inputs = ResidentFeed({"source": domain, "target": domain}).inputs(0)
    assert not np.array_equal(inputs["source"], inputs["target"])


def test_means_of_channels_are_on_the_scale_from_0_to_1():
    images = np.zeros((2, 1, 1, 3), np.uint8)
    images[0, 0, 0] = [255, 51, 0]
    np.testing.assert_allclose(channel_means(images), [0.5, 0.1, 0.0])


@pytest.mark.parametrize(
    ("fields", "batch", "message"),
    [
        ({"image": np.zeros((3, 1)), "label": np.zeros(2)}, 1, "differ in length.*3.*2"),
        ({"image": np.zeros((3, 1))}, 4, "batch of 4 cannot be drawn from 3 examples"),
        ({"image": np.zeros((3, 1))}, 0, "batch of 0"),
    ],
)
def test_fields_and_batch_must_fit(fields, batch, message):
    with pytest.raises(ValueError, match=message):
        Domain(fields, batch)


def test_standardised_images_have_no_brightness_and_no_contrast_left():
    images = np.zeros((2, 2, 2, 1), np.uint8)
    images[0, 0] = 255  # half black, half white: mean .5, deviation .5
    images[1] = 100
    expected = 0.5 / 0.55 * np.array([1, 1, -1, -1])
    result = standardised(images).reshape(2, 4)
    np.testing.assert_allclose(result[0], expected, rtol=1e-6)
    np.testing.assert_allclose(result[1], np.zeros(4), atol=1e-6)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.array([0, 1, -1]), "labels from -1 to 1"),
        (np.array([[1, 1], [0, 1], [0, 0]]), "but no -1"),
        (np.array([0.0, np.nan, 1.0]), "label 1 holds NaN"),
    ],
)
def test_labels_are_checked_at_the_door(labels, says):
    with pytest.raises(ValueError, match=says):
        Domain({"image": np.zeros((3, 1, 1, 1), np.uint8), "label": labels}, 1)
