import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.nets.parts.multilinear import MultilinearMap

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(size=(5, 4)).astype(np.float32)
PROBABILITIES = RANDOM.dirichlet(np.ones(3), 5).astype(np.float32)


def test_all_products_of_a_feature_and_a_class():
    made, variables = MultilinearMap().init_with_output(jax.random.key(0), FEATURES, PROBABILITIES)
    expected = [np.outer(g, f).ravel() for f, g in zip(FEATURES, PROBABILITIES, strict=True)]
    np.testing.assert_allclose(made, expected, rtol=1e-6)
    assert variables == {}


def test_where_they_are_many_a_random_map_keeps_inner_products_on_average():
    """E[<T(f, g), T(f', g')>] = <f, f'> <g, g'> (Long et al. 2018, theorem 1)."""
    drawn = MultilinearMap(most=11, width=4096)
    made, variables = drawn.init_with_output(jax.random.key(0), FEATURES, PROBABILITIES)
    assert made.shape == (5, 4096)
    expected = (FEATURES @ FEATURES.T) * (PROBABILITIES @ PROBABILITIES.T)
    np.testing.assert_allclose(made @ made.T, expected, atol=0.1 * np.abs(expected).max())
    jax.tree.map(
        np.testing.assert_array_equal, drawn.apply(variables, FEATURES, PROBABILITIES), made
    )
    shapes = jax.tree.map(jnp.shape, variables)
    assert shapes == {"random": {"features": (4, 4096), "classes": (3, 4096)}}
