import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.stats import entropy

from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.adaptation.domain_statistics import with_source_statistics
from jtransfer.transfer.adaptation.tent import TENT_RULES, tent_loss
from jtransfer.transfer.parameter_groups import RuleError, parameter_groups
from tests.transfer import tiny


@pytest.fixture(scope="module")
def adapted():
    """A net with batch norm before and after a step, and the step's metrics."""
    net, given = tiny.net(norm=True), tiny.batch()
    params, stats = tiny.variables(net)
    # As a net of the source would have them.
    stats = jax.tree.map(lambda rows: rows.at[0].add(0.5), stats)
    variables = with_source_statistics({"params": params, **stats})
    groups = parameter_groups(variables["params"], TENT_RULES)
    optimizer = groups.optimizer(optax.sgd(0.5))
    step = make_step(tent_loss(net), optimizer, total_steps=2, trainable=groups.trainable)
    state = TrainState.create(variables, optimizer, rng=jax.random.key(0))
    after, metrics = jax.jit(step)(state, {"target": given["target"]})
    return net, variables, after, metrics, given["target"]["image"]


def test_scales_and_biases_of_batch_norm_move_and_nothing_else(adapted):
    _, before, after, _, _ = adapted
    moved = {
        jax.tree_util.keystr(keys, simple=True, separator="/")
        for keys, leaf in jax.tree_util.tree_leaves_with_path(after.params)
        if not np.array_equal(leaf, _at(before["params"], keys))
    }
    assert moved == {"trunk/conv1/norm/scale", "trunk/conv1/norm/bias"}


def test_the_loss_is_scipys_entropy_of_the_batchs_own_statistics(adapted):
    net, before, _, metrics, images = adapted

    def logits(net):
        return net.classify(net.features(images, train=True, domains=(1,)))

    rows, _ = net.apply(before, method=logits, mutable=["batch_stats"])
    expected = entropy(np.asarray(jax.nn.softmax(rows), np.float64), axis=1).mean()
    np.testing.assert_allclose(metrics["loss"][0], expected, rtol=1e-5)
    assert metrics["entropy"][1] == 4


def test_the_targets_statistics_begin_at_the_sources_and_move_alone(adapted):
    _, before, after, _, _ = adapted
    for name in ("mean", "var"):
        old = before["batch_stats"]["trunk"]["conv1"]["norm"][name]
        new = after.stats["batch_stats"]["trunk"]["conv1"]["norm"][name]
        np.testing.assert_array_equal(old[1], old[0])
        np.testing.assert_array_equal(new[0], old[0])
        assert not np.allclose(new[1], old[1])


def test_steps_make_guesses_surer(adapted):
    net, before, _, _, images = adapted
    loss = tent_loss(net)
    groups = parameter_groups(before["params"], TENT_RULES)
    optimizer = groups.optimizer(optax.sgd(0.5))
    step = jax.jit(make_step(loss, optimizer, total_steps=9, trainable=groups.trainable))
    state = TrainState.create(before, optimizer, rng=jax.random.key(0))
    values = []
    for _ in range(5):
        state, metrics = step(state, {"target": {"image": images}})
        values.append(float(metrics["loss"][0]))
    assert values == sorted(values, reverse=True)


def test_a_net_without_batch_norm_has_nothing_to_adapt():
    params, stats = tiny.variables(tiny.net())
    with pytest.raises(RuleError, match="matches no parameter"):
        parameter_groups(params, TENT_RULES)
    assert with_source_statistics({"params": params, **stats}) == {"params": params}


def test_statistics_without_domains_stay():
    variables = {"batch_stats": {"bn": {"mean": jnp.arange(3.0)}}}
    begun = with_source_statistics(variables)
    np.testing.assert_array_equal(begun["batch_stats"]["bn"]["mean"], np.arange(3))


def _at(tree, keys):
    for key in keys:
        tree = tree[key.key]
    return tree
