import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.adaptation.dann import dann_loss
from jtransfer.transfer.adaptation.weighted_dann import weighted_dann_loss, with_shares
from tests.transfer import tiny
from tests.transfer.game import Game, params, sigmoid, weights

EVEN = with_shares({}, classes=2)


def test_even_shares_that_stay_make_it_dann():
    net, batch = tiny.net(), tiny.batch()
    own, stats = tiny.variables(net)
    weighted = weighted_dann_loss(net, decay=1.0)
    ours = tiny.gradient(weighted, own, with_shares(stats, classes=3), batch, progress=0.3)
    danns = tiny.gradient(dann_loss(net), own, stats, batch, progress=0.3)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), ours, danns)


def test_gradients_of_the_game_by_hand():
    """Features a x, class logits (0, c f), domain logit d f, of two numbers x a domain."""
    a, c, d = 0.5, 1.5, 0.7
    s, t = np.array([2.0, -1.0]), np.array([3.0, 0.5])
    own = params(trunk=a, label_head=c, domain_head=d)
    batch = {
        "source": {"image": jnp.array(s)[:, None], "label": jnp.array([1, 0])},
        "target": {"image": jnp.array(t)[:, None], "label": jnp.array([-99, -99])},  # poison
    }
    # decay=0: the shares are those of this batch, those of the labels a half each.
    loss = weighted_dann_loss(Game(), decay=0.0, reversal=lambda p: 2 * p)
    got = weights(tiny.gradient(loss, own, EVEN, batch, 0.4))
    guessed = np.asarray(sigmoid(c * a * t)).mean()
    w = np.array([guessed, 1 - guessed]) / 0.5
    label_slopes = np.array([-sigmoid(-c * a * s[0]), sigmoid(c * a * s[1])]) / 2
    source_slopes, target_slopes = w * sigmoid(d * a * s) / 4, -sigmoid(-d * a * t) / 4
    through = (source_slopes * s).sum() + (target_slopes * t).sum()
    np.testing.assert_allclose(got["label_head"], (label_slopes * a * s).sum(), rtol=1e-5)
    np.testing.assert_allclose(got["domain_head"], a * through, rtol=1e-5)
    expected = c * (label_slopes * s).sum() - 0.8 * d * through
    np.testing.assert_allclose(got["trunk"], expected, rtol=1e-5)


def test_the_shares_are_running_means():
    own = params(trunk=1.0, label_head=1.0, domain_head=0.0)
    batch = {
        "source": {"image": jnp.ones((2, 1)), "label": jnp.array([1, 1])},
        "target": {"image": jnp.array([[2.0], [3.0]])},
    }
    loss = weighted_dann_loss(Game(), decay=0.75)
    _, (stats, metrics) = loss(own, EVEN, batch, jax.random.key(0), jnp.asarray(0.0))
    guessed = np.asarray(sigmoid(np.array([2.0, 3.0]))).mean()
    np.testing.assert_allclose(stats["shares"]["labels"], [0.375, 0.625])
    expected = [0.375 + 0.25 * (1 - guessed), 0.375 + 0.25 * guessed]
    np.testing.assert_allclose(stats["shares"]["guesses"], expected, rtol=1e-5)
    # At a domain logit of 0 each loss is ln 2, times the weight of class 1 in the source.
    weight = expected[1] / 0.625
    np.testing.assert_allclose(metrics["domain_loss"][0], np.log(2) * (2 + 2 * weight), rtol=1e-5)


def test_a_decay_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match="expected a share between"):
        weighted_dann_loss(Game(), decay=1.5)
