import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.recipes.labelled import LabelledFeed, choose_rate, cosine_sgd
from jtransfer.train.loop import NonFiniteLossError


def stream(positions, batch, steps, seed=0):
    feed = LabelledFeed({}, np.array(positions), batch, seed)
    return np.concatenate([feed.inputs(step) for step in range(steps)])


@pytest.mark.parametrize(("count", "batch"), [(6, 2), (6, 4), (3, 8), (5, 5)])
def test_every_epoch_has_every_labelled_example_once(count, batch):
    positions = 10 + np.arange(count)
    drawn = stream(positions, batch, 3 * count)
    assert drawn.shape == (3 * count * batch,)
    epochs = drawn[: len(drawn) // count * count].reshape(-1, count)
    np.testing.assert_array_equal(np.sort(epochs, axis=1), np.tile(positions, (len(epochs), 1)))
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_the_order_is_the_seeds():
    np.testing.assert_array_equal(stream(range(9), 4, 5), stream(range(9), 4, 5))
    assert not np.array_equal(stream(range(9), 4, 5), stream(range(9), 4, 5, seed=1))


def test_the_rate_is_in_the_state():
    """An update of the optimizer built for rate 1, from a state of rate .25, is a quarter."""
    params, gradient = jnp.ones(2), jnp.array([2.0, -4.0])
    built = cosine_sgd(10, rate=1.0, momentum=0.9)
    state = cosine_sgd(10, rate=0.25, momentum=0.9).init(params)
    update, state = built.update(gradient, state, params)
    np.testing.assert_allclose(update, [-0.5, 1.0])
    update, _ = built.update(gradient, state, params)
    # The second step: momentum 1.9 g, and (1 + cos(pi / 10)) / 2 of the rate.
    np.testing.assert_allclose(update, -0.25 * 1.9 * gradient * 0.97552826, rtol=1e-5)
    schedule = optax.cosine_decay_schedule(1.0, 10)
    np.testing.assert_allclose(schedule(1), 0.97552826, rtol=1e-6)


class Trainer:
    """Scores rates by a table; NaN for one that diverges."""

    def __init__(self, scores):
        self.scores, self.seen = scores, []

    def train(self, positions, rate, seed):
        self.trained = positions
        self.seen.append(rate)
        if np.isnan(self.scores[rate]):
            raise NonFiniteLossError
        return rate

    def validate(self, state, positions):
        assert not set(positions) & set(self.trained)
        self.held = positions
        return self.scores[state]


LABELS = np.repeat(np.arange(2), 20)
POSITIONS = np.concatenate([np.arange(5), 20 + np.arange(5)])


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ({0.1: 0.5, 0.2: 0.7, 0.3: 0.6}, 0.2),
        ({0.1: 0.7, 0.2: 0.7, 0.3: 0.6}, 0.1),
        ({0.1: np.nan, 0.2: 0.0, 0.3: np.nan}, 0.2),
    ],
)
def test_the_rate_of_the_best_held_out_accuracy(scores, best):
    trainer = Trainer(scores)
    assert choose_rate(trainer, LABELS, POSITIONS, tuple(scores), seed=0) == best
    # One of the five of each class is held out.
    assert LABELS[trainer.held].tolist() == [0, 1]
    assert set(trainer.held) | set(trainer.trained) == set(POSITIONS)


def test_with_too_few_examples_the_first_rate_is_taken():
    trainer = Trainer({})
    assert choose_rate(trainer, LABELS, POSITIONS[1:], (0.3, 0.1), seed=0) == 0.3
    assert choose_rate(trainer, LABELS, POSITIONS, (0.2,), seed=0) == 0.2
    assert trainer.seen == []
