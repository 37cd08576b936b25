import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.rate_finder import find_rate
from jtransfer.train.state import TrainState
from jtransfer.transfer.parameter_groups import parameter_groups
from tests.train import regression

CURVATURE = 4.0  # plain gradient descent on c/2 w^2 diverges at rates above 2 / c = .5


def bowl(params, stats, batch, rng, progress):
    del batch, rng, progress
    return CURVATURE / 2 * (params["w"] ** 2).sum() + 1.0, (stats, {})


class NoFeed:
    constants = None

    def inputs(self, step):
        return np.int32(step)


def gather(constants, inputs):
    del constants
    return inputs


def start(params=None):
    params = {"w": jnp.full(2, 3.0)} if params is None else params
    return TrainState.create({"params": params}, optax.sgd(0.1), rng=jax.random.key(0))


def test_a_bowl_by_hand():
    found = find_rate(
        bowl,
        optax.sgd,
        start(),
        NoFeed(),
        gather,
        lowest=0.01,
        highest=0.16,
        steps=3,
        smoothing=0.5,
    )
    np.testing.assert_allclose(found.rates, [0.01, 0.04, 0.16], rtol=1e-6)
    # w shrinks by 1 - 4 rate; the loss is 4 w^2 + 1 (two entries)
    places = [3.0, 3.0 * 0.96, 3.0 * 0.96 * 0.84]
    losses = [4 * place**2 + 1 for place in places]
    np.testing.assert_allclose(found.losses, losses, rtol=1e-5)
    average = (losses[0] + 2 * losses[1] + 4 * losses[2]) / 7
    np.testing.assert_allclose(found.smoothed[-1], average, rtol=1e-5)
    assert found.suggestion == pytest.approx(0.016)


def test_it_stops_where_the_loss_diverges_and_suggests_a_rate_that_does_not():
    found = find_rate(bowl, optax.sgd, start(), NoFeed(), gather, highest=1000.0)
    assert 0.5 < found.rates[-1] < 50
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 100
    assert 1e-3 < found.suggestion < 2 / CURVATURE
    assert all(np.isfinite(found.losses))


def test_the_callers_state_stays_as_it_is():
    state = regression.initial_state()
    before = jax.device_get((state.params, state.stats, state.opt_state))
    arguments = (regression.loss, optax.adam, state, regression.Feed(), regression.gather)
    found = find_rate(*arguments, lowest=1e-3, steps=30)
    jax.tree.map(
        np.testing.assert_array_equal, (state.params, state.stats, state.opt_state), before
    )
    assert find_rate(*arguments, lowest=1e-3, steps=30) == found


def test_groups_keep_what_is_frozen_out_of_it():
    params = {"w": jnp.full(2, 3.0), "held": jnp.full(1, 5.0)}
    groups = parameter_groups(params, {"held": "frozen", "w": "full"})

    def loss(params, stats, batch, rng, progress):
        value, aux = bowl(params, stats, batch, rng, progress)
        return value + (params["held"] ** 2).sum(), aux

    found = find_rate(
        loss,
        lambda rate: groups.optimizer(optax.sgd(rate)),
        start(params),
        NoFeed(),
        gather,
        steps=20,
        trainable=groups.trainable,
    )
    assert min(found.losses) >= 25.0


@pytest.mark.parametrize(
    "options",
    [{"lowest": 0.0}, {"lowest": 1.0, "highest": 0.1}, {"steps": 1}, {"smoothing": 1.0}],
)
def test_numbers_out_of_range(options):
    with pytest.raises(ValueError, match="expected rising positive rates"):
        find_rate(bowl, optax.sgd, start(), NoFeed(), gather, **options)


def test_a_loss_that_does_not_fall():
    with pytest.raises(ValueError, match="does not fall at any rate from 1 on"):
        find_rate(bowl, optax.sgd, start(), NoFeed(), gather, lowest=1.0)
    with pytest.raises(ValueError, match="does not fall at any rate"):
        find_rate(
            regression.loss,
            optax.sgd,
            regression.initial_state(),
            regression.Feed((0,)),
            regression.gather,
        )
