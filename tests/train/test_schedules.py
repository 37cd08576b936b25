import math

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.schedules import cosine, inverse_decay, sigmoid_ramp, stepwise


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


def rates(schedule, *counts):
    return [float(schedule(count)) for count in counts]


def test_cosine_rises_linearly_and_falls_by_half_a_cosine():
    schedule = cosine(0.8, total_steps=110, warm_up=10)
    expected = [0.0, 0.4, 0.8, 0.4 * (1 + math.cos(math.pi / 4)), 0.4, 0.0]
    np.testing.assert_allclose(rates(schedule, 0, 5, 10, 35, 60, 110), expected, atol=1e-7)
    # Without a warm-up it starts at the top; it ends at a share of it.
    flat = cosine(0.8, total_steps=100, final=0.25)
    np.testing.assert_allclose(rates(flat, 0, 50, 100), [0.8, 0.5, 0.2], rtol=1e-6)


def test_stepwise_drops_behind_its_shares_of_the_run():
    schedule = stepwise(1.0, total_steps=100, warm_up=20)
    counts = (0, 5, 20, 29, 30, 59, 60, 89, 90, 99)
    expected = [0.0, 0.25, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001]
    np.testing.assert_allclose(rates(schedule, *counts), expected, rtol=1e-6)
    halved = stepwise(1.0, total_steps=10, drops=(0.5,), factor=0.5)
    np.testing.assert_allclose(rates(halved, 0, 4, 5, 9), [1.0, 1.0, 0.5, 0.5])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cosine(1.0, total_steps=10, warm_up=10), "warm-up of 10 steps in a run of 10"),
        (lambda: stepwise(1.0, total_steps=10, warm_up=-1), "warm-up of -1 steps"),
        (lambda: stepwise(1.0, total_steps=10, drops=(0.6, 0.3)), "expected rising shares"),
        (lambda: stepwise(1.0, total_steps=10, drops=(1.0,)), "expected rising shares"),
        (lambda: stepwise(1.0, total_steps=100, warm_up=40), "end of the warm-up, 0.4, and 1"),
    ],
)
def test_schedules_that_do_not_fit_the_run(make, message):
    with pytest.raises(ValueError, match=message):
        make()
