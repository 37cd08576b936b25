import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.schedules import sigmoid_ramp
from jtransfer.transfer.adaptation.dann import dann_loss
from jtransfer.transfer.supervised import supervised_loss
from tests.transfer import tiny
from tests.transfer.game import Game, params, sigmoid, weights


@pytest.fixture(scope="module", params=["features", "logits"])
def problem(request):
    net = tiny.net().clone(judged=request.param)
    return net, *tiny.variables(net), tiny.batch()


def domain_loss(net, params, batch):
    images = jnp.concatenate([batch["source"]["image"], batch["target"]["image"]])
    _, logits = net.apply({"params": params}, images)
    domains = jnp.repeat(jnp.array([0.0, 1.0]), 4)
    return optax.sigmoid_binary_cross_entropy(logits, domains).mean()


def assert_close(ours, theirs):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), ours, theirs)


def test_every_player_gets_the_gradient_of_the_papers_equations(problem):
    net, params, stats, batch = problem
    scale = float(sigmoid_ramp(jnp.asarray(0.1)))
    ours = tiny.gradient(dann_loss(net), params, stats, batch, progress=0.1)
    labels = tiny.gradient(supervised_loss(net), params, stats, batch)
    domains = jax.jit(jax.grad(lambda p: domain_loss(net, p, batch)))(params)
    # Eqs. 13-15: theta_f by dL_y - lambda dL_d, theta_y by dL_y, theta_d by dL_d at full rate.
    assert_close(ours["label_head"], labels["label_head"])
    assert_close(ours["domain_head"], domains["domain_head"])
    expected = jax.tree.map(lambda y, d: y - scale * d, labels["trunk"], domains["trunk"])
    assert_close(ours["trunk"], expected)


def test_gradients_of_the_game_by_hand():
    """Features a x, class logits (0, c f), domain logit d f, of one number x a domain."""
    a, c, d, s, t = 0.5, 1.5, 0.7, 2.0, 3.0
    own = params(trunk=a, label_head=c, domain_head=d)
    batch = {
        "source": {"image": jnp.array([[s]]), "label": jnp.array([1])},
        "target": {"image": jnp.array([[t]]), "label": jnp.array([-99])},  # poison
    }
    got = weights(tiny.gradient(dann_loss(Game(), reversal=lambda p: 2 * p), own, {}, batch, 0.4))
    label_slope = -sigmoid(-c * a * s)  # of softplus(-c f)
    source_slope, target_slope = sigmoid(d * a * s) / 2, -sigmoid(-d * a * t) / 2
    np.testing.assert_allclose(got["label_head"], label_slope * a * s, rtol=1e-5)
    np.testing.assert_allclose(
        got["domain_head"], source_slope * a * s + target_slope * a * t, rtol=1e-5
    )
    reversed_slopes = -0.8 * d * (source_slope * s + target_slope * t)
    np.testing.assert_allclose(got["trunk"], label_slope * c * s + reversed_slopes, rtol=1e-5)


def test_at_progress_0_the_trunk_learns_as_source_only(problem):
    net, params, stats, batch = problem
    ours = tiny.gradient(dann_loss(net), params, stats, batch, progress=0.0)
    labels = tiny.gradient(supervised_loss(net), params, stats, batch)
    assert_close(ours["trunk"], labels["trunk"])


def test_metrics_count_what_they_are_averages_of(problem):
    net, params, stats, batch = problem
    loss = dann_loss(net, reversal=lambda progress: 3.0 * progress)
    value, (_, metrics) = jax.jit(loss)(params, stats, batch, jax.random.key(0), jnp.float32(0.5))
    average = {name: total / count for name, (total, count) in metrics.items()}
    np.testing.assert_allclose(value, average["label_loss"] + average["domain_loss"], rtol=1e-6)
    expected = jax.jit(lambda params: domain_loss(net, params, batch))(params)
    np.testing.assert_allclose(average["domain_loss"], expected, rtol=1e-6)
    assert metrics["domain_accuracy"][1] == 8
    assert metrics["label_accuracy"][1] == 4
    assert average["reversal"] == 1.5


def test_the_targets_labels_are_not_looked_at(problem):
    net, params, stats, batch = problem
    told = {**batch, "target": {**batch["target"], "label": jnp.zeros(4, jnp.int32)}}
    loss = jax.jit(dann_loss(net))
    values = [loss(params, stats, b, jax.random.key(0), jnp.asarray(0.5))[0] for b in (batch, told)]
    assert values[0] == values[1]


def test_each_domain_moves_its_own_statistics():
    net = tiny.net(norm=True)
    params, stats = tiny.variables(net)
    _, (new_stats, _) = jax.jit(dann_loss(net))(
        params, stats, tiny.batch(), jax.random.key(0), jnp.asarray(0.5)
    )
    mean = new_stats["batch_stats"]["trunk"]["conv1"]["norm"]["mean"]
    assert not np.allclose(mean[0], mean[1])


def test_batches_of_different_shapes_are_an_error(problem):
    net, params, stats, batch = problem
    uneven = {**batch, "target": {"image": batch["target"]["image"][:3]}}
    with pytest.raises(ValueError, match=r"\(4, 6, 6, 2\).*\(3, 6, 6, 2\) differ in shape"):
        dann_loss(net)(params, stats, uneven, jax.random.key(0), jnp.asarray(0.5))
