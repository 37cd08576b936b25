import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.adaptation.domain_batch import domain_cross_entropy, images_of_both


def test_the_source_comes_first():
    batch = {"source": {"image": jnp.zeros((2, 3))}, "target": {"image": jnp.ones((2, 3))}}
    np.testing.assert_array_equal(images_of_both(batch)[:, 0], [0, 0, 1, 1])
    batch["target"]["image"] = jnp.ones((1, 3))
    with pytest.raises(ValueError, match=r"source images \(2, 3\) and target images \(1, 3\)"):
        images_of_both(batch)


def test_telling_the_domains_apart_by_hand():
    # Of the source's two one is taken for the target's, of the target's two none is missed.
    metrics = domain_cross_entropy(jnp.array([-1.0, 2.0, 3.0, 0.5], jnp.bfloat16))
    losses = [np.log1p(np.exp(each)) for each in (-1.0, 2.0, -3.0, -0.5)]
    total, count = metrics["domain_loss"]
    np.testing.assert_allclose([total, count], [sum(losses), 4], rtol=1e-6)
    np.testing.assert_array_equal(jnp.stack(metrics["domain_accuracy"]), [3, 4])
