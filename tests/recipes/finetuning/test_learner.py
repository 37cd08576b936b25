import jax.numpy as jnp
import numpy as np
import optax

from jtransfer.recipes.finetuning.learner import cosine_sgd


def test_the_rate_is_in_the_state():
    """An update of the optimizer built for rate 1, from a state of rate .25, is a quarter."""
    params, gradient = jnp.ones(2), jnp.array([2.0, -4.0])
    built = cosine_sgd(10, learning_rate=1.0, momentum=0.9)
    state = cosine_sgd(10, learning_rate=0.25, momentum=0.9).init(params)
    update, state = built.update(gradient, state, params)
    np.testing.assert_allclose(update, [-0.5, 1.0])
    update, _ = built.update(gradient, state, params)
    # The second step: momentum 1.9 g, and (1 + cos(pi / 10)) / 2 of the rate.
    np.testing.assert_allclose(update, -0.25 * 1.9 * gradient * 0.97552826, rtol=1e-5)
    schedule = optax.cosine_decay_schedule(1.0, 10)
    np.testing.assert_allclose(schedule(1), 0.97552826, rtol=1e-6)
