import math

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, strategies as st

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
    schedule = cosine(0.8, total_steps=108, warm_up=7)
    expected = [0.1, 0.4, 0.7, 0.8, 0.4 * (1 + math.cos(math.pi / 4)), 0.4, 0.0]
    np.testing.assert_allclose(rates(schedule, 0, 3, 6, 7, 32, 57, 107), expected, atol=1e-7)
    # Without a warm-up it starts at the top; it ends at a share of it.
    flat = cosine(0.8, total_steps=101, final=0.25)
    np.testing.assert_allclose(rates(flat, 0, 50, 100, 101), [0.8, 0.5, 0.2, 0.2], rtol=1e-6)


def test_every_step_of_a_short_cosine_by_hand():
    """A third and two thirds; then cosines of 0, pi/7, ..., pi between 1 and a tenth."""
    found = rates(cosine(1.0, total_steps=10, warm_up=2, final=0.1), *range(10))
    falling = [0.1 + 0.9 * (1 + math.cos(math.pi * step / 7)) / 2 for step in range(8)]
    np.testing.assert_allclose(found, [1 / 3, 2 / 3, *falling], rtol=1e-6)
    assert found[2] == 1.0
    assert found[9] == np.float32(0.1)


@given(st.integers(2, 50), st.integers(0, 49), st.floats(0.015625, 1.0, width=32))
def test_the_first_rate_is_above_0_the_last_final_and_between_it_rises_and_falls(
    total, warm_up, final
):
    warm_up %= total
    for schedule in (
        cosine(0.5, total_steps=total, warm_up=warm_up, final=final),
        stepwise(0.5, total_steps=total, warm_up=warm_up, drops=()),
    ):
        found = rates(schedule, *range(total))
        assert found[0] > 0
        assert max(found) <= 0.5
        top = int(np.argmax(found))
        assert found == sorted(found[:top]) + sorted(found[top:], reverse=True)
        assert found[warm_up] == 0.5 or warm_up == total - 1
    assert cosine(0.5, total_steps=total, warm_up=warm_up, final=final)(total - 1) == np.float32(
        0.5
    ) * np.float32(final)


def test_a_run_of_one_step_is_at_the_rate():
    assert cosine(0.5, total_steps=1)(0) == 0.5


def test_an_optimizer_takes_its_last_step_at_the_final_rate():
    """Steps of descent along a slope of 1 are the rates themselves."""
    optimizer = optax.sgd(cosine(1.0, total_steps=3, warm_up=1, final=0.25))
    state, taken = optimizer.init(jnp.zeros(())), []
    for _ in range(3):
        update, state = optimizer.update(jnp.ones(()), state)
        taken.append(-float(update))
    assert taken == [0.5, 1.0, 0.25]


def test_stepwise_drops_behind_its_shares_of_the_run():
    schedule = stepwise(1.0, total_steps=100, warm_up=19)
    counts = (0, 4, 19, 29, 30, 59, 60, 89, 90, 99)
    expected = [0.05, 0.25, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001]
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
