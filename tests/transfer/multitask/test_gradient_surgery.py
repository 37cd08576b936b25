import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.multitask.gradient_surgery import surgery_weights


def surgery(gradients, key=0):
    gradients = jnp.asarray(gradients)
    factors = jax.jit(surgery_weights)(gradients @ gradients.T, jax.random.key(key))
    return np.asarray(factors), np.asarray(factors @ gradients)


def test_two_conflicting_gradients_by_hand():
    """(1, 0) becomes (1, 0) + 1/2 (-1, 1), and (-1, 1) becomes (-1, 1) + (1, 0)."""
    factors, total = surgery([[1.0, 0.0], [-1.0, 1.0]])
    np.testing.assert_allclose(factors, [2.0, 1.5], rtol=1e-6)
    np.testing.assert_allclose(total, [0.5, 1.5], rtol=1e-6)


def test_without_conflict_nothing_changes():
    factors, total = surgery([[1.0, 0.0], [0.0, 1.0], [1.0, 3.0]])
    np.testing.assert_array_equal(factors, 1.0)
    np.testing.assert_array_equal(total, [2.0, 4.0])


def projected(gradients, key):
    """Algorithm 1 on the vectors themselves, in the same orders."""
    count = len(gradients)
    keys = jax.random.split(jax.random.key(key), count)
    total = np.zeros_like(gradients[0])
    for task in range(count):
        own = gradients[task].copy()
        for other in np.asarray(jax.random.permutation(keys[task], count)):
            product = own @ gradients[other]
            if other != task and product < 0:
                own -= product / (gradients[other] @ gradients[other]) * gradients[other]
        assert np.linalg.norm(own) <= np.linalg.norm(gradients[task]) * (1 + 1e-6)
        total += own
    return total


@pytest.mark.parametrize("key", range(6))
def test_several_tasks_as_by_algorithm_1(key):
    random = np.random.default_rng(key)
    lengths = 10.0 ** random.uniform(-2, 2, (5, 1))
    gradients = (lengths * random.normal(size=(5, 3))).astype(np.float32)
    factors, total = surgery(gradients, key)
    expected = projected(gradients.astype(np.float64), key)
    np.testing.assert_allclose(total, expected, rtol=1e-3, atol=1e-4 * np.abs(gradients).max())
    assert factors.min() >= 1


def test_the_order_is_drawn_anew():
    gradients = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    assert len({surgery(gradients, key)[1].tobytes() for key in range(8)}) > 1


@pytest.mark.parametrize("short", [0.0, 1e-12, 1e-20, 1e-30])
def test_a_gradient_of_almost_nothing_is_no_conflict(short):
    factors, _ = surgery([[1.0, 0.0], [-short, 0.0]])
    np.testing.assert_array_equal(factors, 1.0)
    np.testing.assert_array_equal(surgery(np.zeros((3, 2), np.float32))[0], 1.0)
