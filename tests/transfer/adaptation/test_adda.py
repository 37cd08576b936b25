import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.adaptation.adda import (
    ADDA_RULES,
    adda_loss,
    target_variables,
    untie_encoders,
)
from jtransfer.transfer.parameter_groups import parameter_groups
from tests.transfer import tiny
from tests.transfer.game import Game, params, sigmoid, weights

S, T = 2.0, 3.0  # the game's one image of each domain


def game(domain_head=0.7):
    made = {"params": params(trunk=0.5, label_head=1.5, domain_head=domain_head)}
    batch = {"source": {"image": jnp.array([[S]])}, "target": {"image": jnp.array([[T]])}}
    untied = untie_encoders(made)["params"]
    untied["target_trunk"] = {"weight": jnp.asarray(0.25)}
    return Game(), untied, batch


@pytest.fixture(scope="module", params=["plain", "normed", "logits"])
def problem(request):
    net = tiny.net(norm=request.param == "normed")
    if request.param == "logits":
        net = net.clone(judged="logits")
    made, stats = tiny.variables(net)
    untied = untie_encoders({"params": made, **stats})
    return net, untied.pop("params"), untied, tiny.batch()


@pytest.mark.parametrize("d", [0.7, -0.7])
def test_gradients_of_both_players_by_hand(d):
    """With features s = .5 S and t = .25 T and the discriminator's d:

    the discriminator's loss (softplus(d s) + softplus(-d t)) / 2 falls by its own d alone,
    the target encoder's, softplus(d t), by its own number alone.
    """
    net, own, batch = game(d)
    value_and_gradient = jax.value_and_grad(
        lambda p: adda_loss(net)(p, {}, batch, jax.random.key(0), jnp.asarray(0.5))[0]
    )
    value, gradient = jax.jit(value_and_gradient)(own)
    s, t = 0.5 * S, 0.25 * T
    softplus = jax.nn.softplus
    expected = (softplus(d * s) + softplus(-d * t)) / 2 + softplus(d * t)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    got = weights(gradient)
    assert got["trunk"] == got["label_head"] == 0
    np.testing.assert_allclose(
        got["domain_head"], (s * sigmoid(d * s) - t * sigmoid(-d * t)) / 2, rtol=1e-5
    )
    np.testing.assert_allclose(got["target_trunk"], d * T * sigmoid(d * t), rtol=1e-5)
    # Descent carries the target's features to where the discriminator sees the source.
    assert np.sign(got["target_trunk"]) == np.sign(d)


def test_a_step_moves_the_two_players_and_nothing_else(problem):
    net, own, stats, batch = problem
    groups = parameter_groups(own, ADDA_RULES)
    optimizer = groups.optimizer(optax.adamw(1e-2, b1=0.5, weight_decay=0.1))
    state = TrainState.create({"params": own, **stats}, optimizer, rng=jax.random.key(0))
    step = make_step(adda_loss(net), optimizer, total_steps=2, trainable=groups.trainable)
    after, metrics = jax.jit(step)(state, batch)

    def same(old, new):
        return all(jax.tree.leaves(jax.tree.map(np.array_equal, old, new)))

    moved = {part: not same(own[part], after.params[part]) for part in own}
    assert moved == {
        "trunk": False,
        "label_head": False,
        "target_trunk": True,
        "domain_head": True,
    }
    for name, tree in stats.items():
        assert same(tree["trunk"], after.stats[name]["trunk"])
        assert not same(tree["target_trunk"], after.stats[name]["target_trunk"])
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert metrics["domain_accuracy"][1] == 8
    assert metrics["encoder_loss"][1] == 4
    average = {name: total / count for name, (total, count) in metrics.items()}
    np.testing.assert_allclose(
        average["loss"], average["domain_loss"] + average["encoder_loss"], rtol=1e-6
    )


def test_a_stage_of_the_targets_encoder_that_is_frozen_too():
    """It is read as at test time, though the source's encoder, which stands there, is another."""
    stages = tuple(
        (name, lambda name: ConvStage(4, 3, norm=True, dropout=0.5, name=name))
        for name in ("conv1", "conv2")
    )
    net = AdaptationNet(Trunk(stages), Head((8,), 3), Head((8,), 1))
    made, stats = tiny.variables(net)
    untied = untie_encoders({"params": made, **stats})
    rules = {"target_trunk/conv1/.*": "frozen", **ADDA_RULES}
    groups = parameter_groups(untied["params"], rules)
    optimizer = groups.optimizer(optax.sgd(0.1))
    state = TrainState.create(untied, optimizer, rng=jax.random.key(0))
    step = make_step(adda_loss(net), optimizer, total_steps=2, trainable=groups.trainable)
    after, _ = jax.jit(step)(state, tiny.batch())
    before, now = untied["batch_stats"]["target_trunk"], after.stats["batch_stats"]["target_trunk"]
    jax.tree.map(np.testing.assert_array_equal, now["conv1"], before["conv1"])
    assert not np.array_equal(now["conv2"]["norm"]["mean"], before["conv2"]["norm"]["mean"])


def test_each_player_has_its_own_rate():
    net, own, batch = game()
    groups = parameter_groups(own, {**ADDA_RULES, "target_trunk/.*": 0.5})
    optimizer = groups.optimizer(optax.sgd(1.0))
    state = TrainState.create({"params": own}, optimizer, rng=jax.random.key(0))
    gradient = jax.grad(
        lambda p: adda_loss(net)(p, {}, batch, jax.random.key(0), jnp.asarray(0.0))[0]
    )(own)
    after, _ = make_step(adda_loss(net), optimizer, total_steps=1)(state, batch)
    change = jax.tree.map(lambda new, old: new - old, after.params, own)
    for player, rate in (("domain_head", 1.0), ("target_trunk", 0.5)):
        np.testing.assert_allclose(
            weights(change)[player], -rate * weights(gradient)[player], rtol=1e-4
        )


def test_labels_change_nothing(problem):
    net, own, stats, batch = problem
    poisoned = {name: {**examples, "label": jnp.full(4, -99)} for name, examples in batch.items()}
    loss = jax.jit(adda_loss(net))
    for each in (batch, poisoned):
        value, (new_stats, _) = loss(own, stats, each, jax.random.key(0), jnp.asarray(0.5))
        if each is batch:
            first, first_stats = value, new_stats
    assert value == first
    jax.tree.map(np.testing.assert_array_equal, new_stats, first_stats)


def test_the_targets_net_is_the_sources_until_its_encoder_moves(problem):
    net, own, stats, batch = problem
    untied = {"params": own, **stats}
    images = batch["target"]["image"]
    of_target = target_variables(untied)
    assert set(of_target["params"]) == {"trunk", "label_head", "domain_head"}
    before = net.apply(untied, images, method="predict")
    np.testing.assert_array_equal(net.apply(of_target, images, method="predict"), before)
    own = {**own, "target_trunk": jax.tree.map(lambda leaf: 2 * leaf, own["target_trunk"])}
    moved = target_variables({"params": own, **stats})
    assert not np.allclose(net.apply(moved, images, method="predict"), before)


def test_the_domains_may_differ_in_size(problem):
    net, own, stats, batch = problem
    fewer = {**batch, "target": {"image": batch["target"]["image"][:2]}}
    loss = jax.jit(adda_loss(net))
    _, (_, metrics) = loss(own, stats, fewer, jax.random.key(0), jnp.float32(0.5))
    assert metrics["domain_loss"][1] == 6


def test_dropout_acts_on_the_players_only():
    stages = (("conv1", lambda name: ConvStage(4, 3, dropout=0.5, name=name)),)
    net = AdaptationNet(Trunk(stages), Head((8,), 3), Head((8,), 1, dropout=0.5))
    made, _ = tiny.variables(net)
    own = untie_encoders({"params": made})["params"]
    loss, batch = adda_loss(net), tiny.batch()
    value = jax.jit(lambda key: loss(own, {}, batch, key, jnp.asarray(0.0))[0])
    values = [value(jax.random.key(seed)) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_what_cannot_be_untied():
    made = {"params": params(trunk=0.5, label_head=1.5)}
    with pytest.raises(ValueError, match="expected those of a net with a trunk and no target_tr"):
        untie_encoders(untie_encoders(made))
    with pytest.raises(ValueError, match=r"\['label_head'\]; expected"):
        untie_encoders({"params": params(label_head=1.5)})
