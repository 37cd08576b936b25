import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.data.feeds.resident import Domain, ResidentFeed
from jtransfer.train.compilation import compile_step
from jtransfer.train.loop import fit
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.zero_shot.compatibility import (
    Bilinear,
    TwoTowers,
    ale_ranking,
    compatibility_loss,
    contrastive,
    devise_ranking,
    side_by_side,
)
from tests.transfer.animals import SEEN, UNSEEN, draw

SCORES, LABELS = jnp.array([[1.0, 1.5, 0.25], [3.0, 0.0, 1.0]]), jnp.array([0, 0])


def test_ranking_losses_by_hand():
    """First image, margin 1: violations 1.5 and .25, rank 2, (1 + 1/2) / 2 of their sum."""
    np.testing.assert_allclose(ale_ranking(SCORES, LABELS), [0.75 * 1.75, 0], rtol=1e-6)
    np.testing.assert_allclose(devise_ranking(SCORES, LABELS, margin=0.1), [0.6, 0], rtol=1e-6)
    np.testing.assert_allclose(devise_ranking(SCORES, LABELS, margin=1.0), [1.75, 0], rtol=1e-6)


def test_bilinear_by_hand():
    params = {"f": {"kernel": jnp.array([[1.0, 0.0], [0.0, 2.0]])}}
    scores = Bilinear().apply({"params": params}, jnp.array([[1.0, 1.0]]), jnp.eye(2))
    np.testing.assert_allclose(scores, [[1, 2]])


def test_towers_give_cosines():
    net = TwoTowers(hidden=4, dims=3, temperature=0.5)
    features, signatures = jnp.ones((2, 6)), jnp.asarray(UNSEEN)
    variables = net.init(jax.random.key(0), features, signatures)
    scores = net.apply(variables, features, signatures)
    assert scores.shape == (2, 2)
    assert (jnp.abs(scores) <= 2.0001).all()
    np.testing.assert_allclose(scores, net.apply(variables, features, signatures))


@pytest.mark.parametrize("hidden", [0, 4])
@pytest.mark.parametrize("side", ["features", "signatures"])
def test_a_row_of_zeros_leaves_every_gradient_finite(side, hidden):
    net = TwoTowers(hidden=hidden, dims=3, dropout=0.0)
    inputs = {"features": jnp.asarray(draw(SEEN)[0][:4]), "signatures": jnp.asarray(SEEN)}
    inputs[side] = inputs[side].at[1].set(0)
    variables = net.init(jax.random.key(0), **inputs)
    scores = net.apply(variables, **inputs)
    # With biases of 0 it has no direction yet, and a cosine of 0 with everything.
    np.testing.assert_array_equal(scores[1] if side == "features" else scores[:, 1], 0)

    def loss(params):
        return contrastive(net.apply({"params": params}, **inputs), jnp.arange(4)).mean()

    gradients = jax.grad(loss)(variables["params"])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))
    # Not those of 1 / length either, by the rows that have one about 1.
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(gradients)) < 100


@pytest.mark.parametrize(
    ("net", "objective"),
    [
        (Bilinear(), ale_ranking),
        (Bilinear(), devise_ranking),
        (TwoTowers(hidden=0, dims=3, dropout=0.0), contrastive),
        (TwoTowers(hidden=16, dims=8), contrastive),
    ],
)
def test_unseen_combinations_are_recognised(net, objective):
    features, labels = draw(SEEN)
    feed = ResidentFeed({"seen": Domain({"feature": features, "label": labels}, batch=40)})
    optimizer = optax.adam(0.01)
    step = make_step(compatibility_loss(net, SEEN, objective), optimizer, total_steps=300)
    variables = net.init(jax.random.key(0), features[:1], SEEN)
    state = TrainState.create(variables, optimizer, rng=jax.random.key(1))
    state = fit(compile_step(step, feed.gather), state, feed, steps=300)
    unseen, wanted = draw(UNSEEN, seed=1)
    guesses = net.apply({"params": state.params}, unseen, UNSEEN).argmax(axis=1)
    assert (np.asarray(guesses) == wanted).mean() > 0.7


def test_side_by_side_by_hand():
    joined = side_by_side(np.array([[3.0, 4.0]]), np.array([[0.0, 2.0]]))
    np.testing.assert_allclose(joined, [[0.6, 0.8, 0, 1]], rtol=1e-6)
    with pytest.raises(ValueError, match=r"signatures of \[1, 2\] classes"):
        side_by_side(np.ones((1, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="row 0 of the signatures 1 holds NaN or infinity"):
        side_by_side(np.ones((1, 2)), np.array([[np.nan, 1]]))


def test_half_precision_signatures_side_by_side():
    """300^2 is above float16's largest number, 65504."""
    joined = side_by_side(np.array([[300.0, 400.0]], np.float16), np.ones((1, 1), np.float16))
    np.testing.assert_allclose(joined, [[0.6, 0.8, 1]], rtol=1e-6)


def test_missing_values_are_refused():
    with pytest.raises(ValueError, match="expected every attribute of every class"):
        compatibility_loss(Bilinear(), SEEN * np.nan, contrastive)


@pytest.mark.parametrize("objective", [ale_ranking, devise_ranking, contrastive])
@pytest.mark.parametrize("wrong", [-1, 4])
def test_a_label_without_a_signature_trains_nothing(objective, wrong):
    net, features = Bilinear(), jnp.ones((1, 6))
    params = net.init(jax.random.key(0), features, jnp.asarray(SEEN))["params"]
    batch = {"seen": {"feature": features, "label": jnp.array([wrong])}}

    def value(params):
        loss = compatibility_loss(net, SEEN, objective)
        return loss(params, {}, batch, jax.random.key(0), jnp.zeros(()))[0]

    loss, gradient = jax.jit(jax.value_and_grad(value))(params)
    assert jnp.isnan(loss)
    assert not jax.tree.reduce(lambda any_, leaf: any_ or bool(leaf.any()), gradient, False)
