import math

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.supervised import cross_entropy, supervised_loss
from tests.transfer import tiny


def test_cross_entropy_by_hand():
    logits = jnp.array([[0.0, 0.0], [0.0, math.log(3.0)], [math.log(4.0), 0.0]])
    metrics = cross_entropy(logits, jnp.array([0, 1, 1]))
    loss, count = metrics["label_loss"]
    np.testing.assert_allclose(loss, math.log(2) + math.log(4 / 3) + math.log(5), rtol=1e-6)
    assert count == 3
    assert metrics["label_accuracy"][0] == 2


def test_the_loss_is_the_mean_over_the_named_domain():
    net, batch = tiny.net(), tiny.batch()
    params, stats = tiny.variables(net)
    loss = supervised_loss(net)
    value, (new_stats, metrics) = loss(params, stats, batch, jax.random.key(0), jnp.asarray(0.0))
    logits, _ = net.apply({"params": params}, batch["source"]["image"])
    expected = cross_entropy(logits, batch["source"]["label"])["label_loss"][0] / 4
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    assert new_stats == {}
    assert metrics["label_accuracy"][1] == 4


def test_only_the_statistics_of_its_domain_move():
    net, batch = tiny.net(norm=True), tiny.batch()
    params, stats = tiny.variables(net)
    loss = supervised_loss(net, domain_index=1)
    _, (new_stats, _) = loss(params, stats, batch, jax.random.key(0), jnp.asarray(0.0))
    before, after = (
        tree["batch_stats"]["trunk"]["conv1"]["norm"]["mean"] for tree in (stats, new_stats)
    )
    np.testing.assert_array_equal(after[0], before[0])
    assert not np.array_equal(after[1], before[1])


def test_the_domain_head_gets_no_gradient():
    net = tiny.net()
    params, stats = tiny.variables(net)
    gradients = tiny.gradient(supervised_loss(net), params, stats, tiny.batch())
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(gradients["domain_head"]))
