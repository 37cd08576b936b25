from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.finetuning.finetune import (
    fine_tune,
    freeze_stages,
    initial_variables,
    probe_head,
    require_every_class,
    without_trunk,
)
from jtransfer.transfer.finetuning.l2_sp import l2_sp, with_start
from jtransfer.transfer.finetuning.layers import LayerError, layer_names
from jtransfer.transfer.finetuning.regimes import REGIMES, freezing, plan
from jtransfer.transfer.parameter_groups import RuleError, parameter_groups
from jtransfer.transfer.supervised import supervised_loss
from tests.transfer import tiny_transfer as tiny

LAYERS = ("trunk/conv1", "trunk/conv2", "head")


def phases(regime, steps=8, **options):
    return plan(regime, LAYERS, steps=steps, **options)


@pytest.fixture(scope="module")
def net():
    return tiny.net()


@pytest.fixture(scope="module")
def source(net):
    return tiny.variables(net, seed=0)


@pytest.fixture(scope="module")
def fresh(net):
    return tiny.variables(net, seed=1)


def run(net, variables, phases, **options):
    compiled = tiny.programs(net, variables["params"], phases, **options)
    return fine_tune(compiled, variables, tiny.feed(), rng=jax.random.key(5))


def same(a, b):
    return all(jax.tree.leaves(jax.tree.map(lambda x, y: bool((x == y).all()), a, b)))


@pytest.mark.parametrize("regime", REGIMES)
def test_what_is_frozen_does_not_move_by_a_bit_and_the_rest_does(net, source, fresh, regime):
    head = jax.tree.map(lambda leaf: 0.5 * leaf, source["params"]["head"])
    variables = initial_variables(regime, fresh, source, head=head)
    state = run(net, variables, phases(regime))
    assert int(state.step) == 8
    frozen = phases(regime)[-1].frozen_stages
    for stage in ("conv1", "conv2"):
        for after, before in (
            (state.params, variables["params"]),
            (state.stats["batch_stats"], variables["batch_stats"]),
        ):
            assert same(after["trunk"][stage], before["trunk"][stage]) == (stage in frozen)
    assert not same(state.params["head"], variables["params"]["head"])


def test_a_layer_that_is_not_unfrozen_yet_is_as_it_was(net, source):
    """After the second phase of three, conv1 and its statistics are the source's, bit by bit."""
    state = run(net, source, phases("gradual")[:2])
    assert int(state.step) == 4
    assert same(state.params["trunk"]["conv1"], source["params"]["trunk"]["conv1"])
    assert same(
        state.stats["batch_stats"]["trunk"]["conv1"], source["batch_stats"]["trunk"]["conv1"]
    )
    assert not same(state.params["trunk"]["conv2"], source["params"]["trunk"]["conv2"])


def test_every_phase_compiles_once(net, source):
    compiled = tiny.programs(net, source["params"], phases("gradual"))
    for seed in range(2):
        fine_tune(compiled, source, tiny.feed(), rng=jax.random.key(seed))
    assert [program.step._cache_size() for program in compiled] == [1, 1, 1]


def test_fine_tuning_learns(net, source):
    state = run(net, source, phases("full", steps=60))
    pixels, labels = tiny.images()
    logits = net.apply({"params": state.params, **state.stats}, pixels)
    assert (logits.argmax(axis=-1) == labels).mean() > 0.9


def test_a_slower_trunk_moves_by_its_factor(net, source):
    """The first step of SGD is the rate times the gradient."""
    full, slow = (
        run(net, source, plan(regime, LAYERS, steps=1)) for regime in ("full", "slow_trunk")
    )
    before = source["params"]
    for layer, factor in (("conv1", 0.1), ("conv2", 0.1)):
        moved, whole = (
            jax.tree.map(jnp.subtract, state.params["trunk"][layer], before["trunk"][layer])
            for state in (slow, full)
        )
        jax.tree.map(
            lambda part, all_of_it, factor=factor: np.testing.assert_allclose(
                part, factor * all_of_it, atol=1e-6
            ),
            moved,
            whole,
        )
    assert same(slow.params["head"], full.params["head"])


def test_a_frozen_trunk_costs_no_gradient(net, source):
    """By the FLOPs that XLA counts: a step costs the forward pass and the head's gradient."""

    def flops(regime):
        (program,) = tiny.programs(net, source["params"], phases(regime))
        state = TrainState.create(source, program.optimizer, rng=jax.random.key(0))
        feed = tiny.feed()
        lowered = program.step.lower(state, feed.constants, feed.inputs(0))
        return lowered.compile().cost_analysis()["flops"]

    batch = jnp.zeros((8, 8, 8, 1))
    forward = jax.jit(net.apply).lower(source, batch).compile().cost_analysis()["flops"]
    head = 2 * 8 * (2 * 2 * 6) * 3  # the head's product of [8, 24] and [24, 3]
    assert flops("frozen") < forward + 10 * head
    # conv2's kernel gradient and its images' gradient alone are as dear as the forward pass
    assert flops("full") > 2.5 * forward


def test_a_head_on_cached_features_is_the_frozen_regime():
    net = tiny.net(hidden=(5,), dropout=0.5)
    source = tiny.variables(net)
    whole = run(net, source, phases("frozen"))

    pixels, _ = tiny.images()
    features = np.asarray(net.apply(source, pixels, method="features"))
    head = {"params": {"head": source["params"]["head"]}}
    alone = without_trunk(net)
    assert layer_names(alone) == ("head",)
    compiled = tiny.programs(alone, head["params"], plan("frozen", layer_names(alone), steps=8))
    cached = fine_tune(compiled, head, tiny.feed(features), rng=jax.random.key(5))
    jax.tree.map(
        partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6),
        cached.params,
        {"head": whole.params["head"]},
    )


def test_lp_ft_starts_from_the_probe(net, source, fresh):
    pixels, labels = tiny.images()
    features = np.asarray(net.apply(source, pixels, method="features"))
    head = probe_head(features, labels, classes=3)
    variables = initial_variables("lp_ft", fresh, source, head=head)
    linear_model = pytest.importorskip("sklearn.linear_model")
    scaled = features / np.linalg.norm(features, axis=1).mean()
    expected = linear_model.LogisticRegression(C=8.0, tol=1e-8, max_iter=1000).fit(scaled, labels)
    probabilities = jax.nn.softmax(net.apply(variables, pixels))
    np.testing.assert_allclose(probabilities, expected.predict_proba(scaled), atol=0.02)


def test_a_probe_of_half_precision_features():
    """Of length 1,700, whose square is above float16's largest number, 65504."""
    random = np.random.default_rng(0)
    labels = np.arange(30) % 3
    features = (100 * (random.normal(size=(30, 200)) + 3 * np.eye(3, 200)[labels])).astype("f2")
    half, whole = (
        probe_head(each, labels, classes=3)["out"] for each in (features, features.astype("f4"))
    )
    np.testing.assert_allclose(half["kernel"], whole["kernel"], rtol=0.01, atol=1e-6)


def test_lp_ft_needs_a_linear_head(net, source, fresh):
    with pytest.raises(ValueError, match="lp_ft was given no head; expected"):
        initial_variables("lp_ft", fresh, source)
    deep = tiny.net(hidden=(5,))
    linear = source["params"]["head"]
    with pytest.raises(ValueError, match="use a linear head"):
        initial_variables("lp_ft", tiny.variables(deep), tiny.variables(deep), head=linear)


def test_a_source_of_another_architecture(net, fresh):
    other = tiny.variables(tiny.net(norm=False))
    with pytest.raises(LayerError, match=r"trunk/conv1/norm/scale: nothing there, \[4\] here"):
        initial_variables("full", fresh, other)


@pytest.mark.parametrize("regime", ["frozen", "full", "gradual"])
def test_l2_sp_goes_with_any_regime(net, source, regime):
    def loss(net):
        return l2_sp(supervised_loss(net, domain="target"), alpha=3.0, beta=0.0)

    held = run(net, with_start(source), phases(regime), loss=loss)
    free = run(net, source, phases(regime))

    def distance(state):
        away = jax.tree.map(jnp.subtract, state.params["trunk"], source["params"]["trunk"])
        return float(optax.tree.norm(away))

    assert same(held.stats["start"], source["params"]["trunk"])
    assert distance(held) < 0.7 * distance(free) or distance(free) == 0 == distance(held)
    assert (distance(free) == 0) == (regime == "frozen")


def test_l2_sp_on_cached_features_is_weight_decay_of_the_head(net, source):
    def loss(net):
        return l2_sp(supervised_loss(net, domain="target"), alpha=3.0, beta=100.0)

    pixels, _ = tiny.images()
    features = np.asarray(net.apply(source, pixels, method="features"))
    head = with_start({"params": {"head": source["params"]["head"]}})
    alone = without_trunk(net)
    (phase,) = plan("frozen", layer_names(alone), steps=1)
    compiled = tiny.programs(alone, head["params"], (phase,), rate=0.01, loss=loss)
    state = fine_tune(compiled, head, tiny.feed(features), rng=jax.random.key(5))
    # A step of rate .01 on 100 w takes all of w away; what is left is one step of the loss alone.
    kernel = source["params"]["head"]["out"]["kernel"]
    assert jnp.abs(state.params["head"]["out"]["kernel"]).mean() < 0.1 * jnp.abs(kernel).mean()


@pytest.mark.parametrize("stop", [1, 2, 3, 6])
def test_a_resumed_run_is_the_run_that_was_not_stopped(net, source, tmp_path, stop):
    whole = run(net, source, phases("gradual"))
    compiled = tiny.programs(net, source["params"], phases("gradual"))

    class Stopped(RuntimeError):
        pass

    class Stopping:
        """Gives batches until it is asked for the one after `stop` steps."""

        constants = tiny.feed().constants

        def inputs(self, step):
            if step == stop:
                raise Stopped
            return tiny.feed().inputs(step)

    options = {"rng": jax.random.key(5), "checkpoint_every": 1, "log_every": 1}
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(Stopped):
            fine_tune(compiled, source, Stopping(), checkpoints=checkpoints, **options)
        checkpoints.wait()
        assert checkpoints.latest_step == stop
        feed = tiny.feed()
        resumed = fine_tune(compiled, source, feed, checkpoints=checkpoints, **options)
        again = fine_tune(compiled, source, feed, checkpoints=checkpoints, **options)
    for state in (resumed, again):
        assert same(state.params, whole.params)
        assert same(state.stats, whole.stats)


def test_some_layers_frozen_by_name(net, source):
    (phase,) = freezing(LAYERS, ("trunk/conv2",), steps=4)
    state = run(net, source, (phase,))
    assert same(state.params["trunk"]["conv2"], source["params"]["trunk"]["conv2"])
    assert not same(state.params["trunk"]["conv1"], source["params"]["trunk"]["conv1"])


def test_freezing_everything_is_an_error(net, source):
    with pytest.raises(RuleError, match=r"freeze all .* leaves"):
        tiny.programs(net, source["params"], freezing(LAYERS, LAYERS, steps=4))


def stepped(net, variables, rules, batch, **options):
    """State and metrics after a step with who moves told by rules alone."""
    groups = parameter_groups(variables["params"], rules)
    optimizer = groups.optimizer(optax.sgd(0.1))
    loss = supervised_loss(net, domain="target")
    step = make_step(loss, optimizer, total_steps=1, trainable=groups.trainable, **options)
    state = TrainState.create(variables, optimizer, rng=jax.random.key(0))
    return jax.jit(step)(state, batch)


def dropping_net():
    """Two normed stages that drop channels, and a head that drops units."""
    stages = tuple(
        (name, partial(ConvStage, 4, 3, norm=True, dropout=0.5)) for name in ("conv1", "conv2")
    )
    return Classifier(Trunk(stages), Head((), tiny.CLASSES))


@pytest.mark.parametrize("options", [{}, {"accumulate": 2}])
def test_what_rules_freeze_is_as_at_test_time(options):
    """The silent bug: its statistics moved, it was normalised by the batch's, and units dropped."""
    net, feed = dropping_net(), tiny.feed()
    variables = tiny.variables(net)
    batch = feed.gather(feed.constants, feed.inputs(0))
    rules = {"trunk/.*": "frozen", "head/.*": "full"}
    state, metrics = stepped(net, variables, rules, batch, **options)
    assert same(state.stats, {"batch_stats": variables["batch_stats"]})
    logits = net.apply(variables, batch["target"]["image"])
    labels = batch["target"]["label"]
    expected = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
    total, count = metrics["loss"]
    np.testing.assert_allclose(total / count, expected, rtol=1e-5)


def test_a_stage_or_a_norm_alone_that_rules_freeze(net, source):
    feed = tiny.feed()
    batch = feed.gather(feed.constants, feed.inputs(0))
    for frozen in ("trunk/conv1/.*", "trunk/conv1/norm/.*"):
        state, _ = stepped(net, source, {frozen: "frozen", ".*": "full"}, batch)
        held = {
            stage: same(state.stats["batch_stats"]["trunk"][stage], tree)
            for stage, tree in source["batch_stats"]["trunk"].items()
        }
        assert held == {"conv1": True, "conv2": False}


def test_the_rules_name_the_stages_to_freeze(net, source):
    """A step of the net with them frozen is that of the net as it is."""
    rules = {"trunk/conv1/.*": "frozen", "trunk/conv2/norm/.*": "frozen", ".*": "full"}
    groups = parameter_groups(source["params"], rules)
    assert groups.frozen_stages == ("conv1",)
    assert parameter_groups(source["params"], {".*": "full"}).frozen_stages == ()
    feed = tiny.feed()
    batch = feed.gather(feed.constants, feed.inputs(0))
    told, _ = stepped(freeze_stages(net, groups.frozen_stages), source, rules, batch)
    found, _ = stepped(net, source, rules, batch)
    assert same((told.params, told.stats), (found.params, found.stats))


def test_a_class_without_labelled_examples():
    classes = ("cat", "dog", "owl")
    require_every_class(np.array([2, 0, 1, 0]), classes)
    with pytest.raises(ValueError, match="no labelled example of cat, owl; expected at least one"):
        require_every_class(np.array([1, 1]), classes)


def test_a_probe_of_dead_features_says_how_frequent_the_classes_are():
    head = probe_head(np.zeros((4, 3)), np.array([0, 0, 0, 1]), classes=2)["out"]
    np.testing.assert_array_equal(head["kernel"], np.zeros((3, 2)))
    np.testing.assert_allclose(jax.nn.softmax(head["bias"]), [0.75, 0.25], rtol=1e-4)
