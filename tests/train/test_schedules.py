import math

import jax.numpy as jnp
import numpy as np
import optax

from jtransfer.train.schedules import inverse_decay, sigmoid_ramp


def test_the_rate_falls_as_in_the_paper():
    schedule = inverse_decay(0.01, total_steps=200)
    np.testing.assert_allclose(schedule(0), 0.01)
    np.testing.assert_allclose(schedule(100), 0.01 / 6**0.75)
    np.testing.assert_allclose(schedule(200), 0.01 / 11**0.75)


def test_the_optimizer_reads_the_schedule_at_its_own_step():
    optimizer = optax.sgd(inverse_decay(1.0, total_steps=10))
    state = optimizer.init(jnp.zeros(()))
    for step in range(3):
        update, state = optimizer.update(jnp.ones(()), state)
        np.testing.assert_allclose(update, -1 / (1 + step) ** 0.75, rtol=1e-6)


def test_lambda_rises_from_0_towards_1():
    assert sigmoid_ramp(jnp.asarray(0.0)) == 0.0
    np.testing.assert_allclose(
        sigmoid_ramp(jnp.asarray(0.1)), (math.e - 1) / (math.e + 1), rtol=1e-6
    )
    np.testing.assert_allclose(
        sigmoid_ramp(jnp.asarray(1.0)), 2 / (1 + math.exp(-10)) - 1, rtol=1e-6
    )
    np.testing.assert_allclose(
        sigmoid_ramp(jnp.asarray(0.5), gamma=2.0), (math.e - 1) / (math.e + 1), rtol=1e-6
    )
