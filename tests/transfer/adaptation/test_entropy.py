import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import entropy

from jtransfer.transfer.adaptation.entropy import entropies, entropies_of_logits

ROWS = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])


def test_scipys_entropies_and_no_gradient_of_what_is_not_there():
    np.testing.assert_allclose(entropies(jnp.asarray(ROWS)), entropy(ROWS, axis=1), atol=1e-6)
    assert np.isfinite(jax.grad(lambda rows: entropies(rows).sum())(jnp.asarray(ROWS))).all()


def test_of_logits_however_large():
    logits = jnp.array([[0.0, 1.0, 2.0], [300.0, 0.0, -300.0]])
    expected = entropy(np.asarray(jax.nn.softmax(logits), np.float64), axis=1)
    np.testing.assert_allclose(entropies_of_logits(logits), expected, atol=1e-6)
    assert np.isfinite(jax.grad(lambda rows: entropies_of_logits(rows).sum())(logits)).all()
