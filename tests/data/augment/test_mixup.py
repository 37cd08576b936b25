import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jtransfer.data.augment.geometric import compose, on_images, random_flip
from jtransfer.data.augment.mixup import mixup


def batch_of(count):
    """Images that say their number, of a class each."""
    images = jnp.broadcast_to(
        jnp.arange(count, dtype=jnp.uint8)[:, None, None, None], (count, 2, 2, 1)
    )
    return {"source": {"image": images, "label": jnp.arange(count)}, "target": {"image": images}}


def test_images_and_labels_are_mixed_alike():
    batch = batch_of(20)
    mixed = jax.jit(mixup(1.0, classes=20))(jax.random.key(0), batch)
    images, labels = mixed["source"]["image"], np.asarray(mixed["source"]["label"])
    np.testing.assert_allclose(labels.sum(axis=1), np.ones(20), rtol=1e-6)
    assert ((labels > 0).sum(axis=1) <= 2).all()
    assert (np.diagonal(labels) > 0).all()
    # The mean class of a label is the mean number of the images that went in.
    expected = np.broadcast_to((labels @ np.arange(20))[:, None, None, None], images.shape)
    np.testing.assert_allclose(images, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(mixed["target"]["image"], batch["target"]["image"])


def test_weights_are_of_the_beta_distribution():
    mixed = mixup(0.4, classes=2000)(jax.random.key(0), batch_of(2000))
    weights = np.diagonal(mixed["source"]["label"])
    # A partner that is the image itself would make a weight of 1.
    assert stats.kstest(weights, stats.beta(0.4, 0.4).cdf).pvalue > 0.01


def test_soft_labels_are_mixed_behind_other_augmentations():
    batch = batch_of(4)
    batch["source"]["label"] = jnp.full((4, 3), 1 / 3)
    both = compose(on_images(random_flip), mixup(0.2, classes=3))(jax.random.key(0), batch)
    np.testing.assert_allclose(both["source"]["label"], np.full((4, 3), 1 / 3), rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan")])
def test_alpha_is_positive(alpha):
    with pytest.raises(ValueError, match="expected a positive number"):
        mixup(alpha, classes=3)


def test_a_label_of_no_class_is_nan():
    batch = {"source": {"image": jnp.zeros((1, 2, 2, 1)), "label": jnp.array([-1])}}
    mixed = mixup(1.0, classes=2)(jax.random.key(0), batch)
    assert np.isnan(mixed["source"]["label"]).all()
