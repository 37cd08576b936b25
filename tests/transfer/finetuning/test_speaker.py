import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.nets.acoustic import acoustic_net
from jtransfer.train.compilation import data_mesh
from jtransfer.transfer.finetuning.speaker import (
    METHODS,
    Run,
    error_reduction,
    interpolated_targets,
    make_adaptation,
    over_runs,
    speaker_rules,
)
from jtransfer.transfer.parameter_groups import parameter_groups

STEPS, RUNS, COUNT = 3, 2, 6
MOVED = {
    "input": ["trunk/input"],
    "first": ["trunk/conv1/Dense_0"],
    "middle": ["trunk/conv2/Dense_0", "trunk/conv3/Dense_0"],
    "last": ["trunk/fc4/Dense_0", "head/out"],
    "head": ["head/out"],
    "lhuc": [f"trunk/{stage}/amplitude" for stage in ("conv1", "conv2", "conv3", "fc4")],
}
MOVED["full"] = MOVED["kl"] = [
    *(f"trunk/{stage}/Dense_0" for stage in ("conv1", "conv2", "conv3", "fc4")),
    "head/out",
]


@pytest.fixture(scope="module")
def net():
    return acoustic_net(classes=3, units=(4, 5, 6, 7))


@pytest.fixture(scope="module")
def runs(net):
    random = np.random.default_rng(0)
    frames = jnp.asarray(random.normal(size=(RUNS, COUNT, 9, 8)), jnp.float32)
    mask = jnp.asarray(np.arange(9)[None, None] < random.integers(4, 10, (RUNS, COUNT, 1)))
    variables = [net.init(jax.random.key(i), (frames[0], mask[0])) for i in range(RUNS)]
    return Run(
        jax.tree.map(lambda *leaves: jnp.stack(leaves), *variables),
        (frames, mask),
        jax.nn.one_hot(random.integers(0, 3, (RUNS, COUNT)), 3),
        jnp.asarray(random.integers(0, COUNT, (RUNS, STEPS, 4))),
        jnp.array([1e-2, 3e-3]),
        jax.random.split(jax.random.key(9), RUNS),
    )


def one_of(runs, index):
    return jax.tree.map(lambda leaf: leaf[index], runs)


@pytest.mark.parametrize("method", METHODS)
def test_the_right_layers_move_and_together_is_one_after_the_other(net, runs, method):
    before = runs.variables["params"]
    adapt = make_adaptation(net, one_of(before, 0), method, steps=STEPS)
    together = over_runs({method: adapt})({method: runs})[method]
    single = jax.jit(adapt)
    for index in range(RUNS):
        alone = single(one_of(runs, index))
        for one, other in zip(
            jax.tree.leaves(alone), jax.tree.leaves(one_of(together, index)), strict=True
        ):
            np.testing.assert_allclose(one, other, atol=1e-5)
    moved = {
        jax.tree_util.keystr(path, simple=True, separator="/")
        for (path, old), new in zip(
            jax.tree_util.tree_leaves_with_path(before), jax.tree.leaves(together), strict=True
        )
        if not np.array_equal(old, new)
    }
    assert {leaf.rpartition("/")[0] for leaf in moved} == set(MOVED[method])


def test_several_methods_in_one_program_are_each_alone(net, runs):
    params = one_of(runs.variables["params"], 0)
    adaptations = {each: make_adaptation(net, params, each, steps=STEPS) for each in METHODS[:2]}
    both = over_runs(adaptations)(dict.fromkeys(adaptations, runs))
    for name, adapt in adaptations.items():
        alone = over_runs({name: adapt})({name: runs})[name]
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), both[name], alone)


def test_runs_shared_between_devices_are_those_of_one(net, runs):
    adapt = make_adaptation(net, one_of(runs.variables["params"], 0), "head", steps=STEPS)
    mesh = data_mesh(jax.devices()[:RUNS])
    whole = over_runs({"head": adapt})({"head": runs})
    shared = over_runs({"head": adapt}, mesh=mesh)({"head": runs})
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), whole, shared)
    leaf = jax.tree.leaves(shared)[0]
    assert len(leaf.sharding.device_set) == RUNS


def test_the_rate_is_data_and_a_step_of_sgd_is_by_hand(net, runs):
    run = one_of(runs, 0)
    adapt = jax.jit(
        make_adaptation(net, run.variables["params"], "head", steps=1, optimizer=optax.sgd)
    )

    def after(rate):
        return adapt(Run(run.variables, run.images, run.targets, run.order[:1], rate, run.rng))

    def loss(head):
        params = {**run.variables["params"], "head": head}
        images = jax.tree.map(lambda values: values[run.order[0]], run.images)
        logits = net.apply({"params": params}, images)
        return optax.softmax_cross_entropy(logits, run.targets[run.order[0]]).mean()

    head = run.variables["params"]["head"]
    gradient = jax.grad(loss)(head)
    for rate in (0.1, 0.3):
        new = after(jnp.array(rate))["head"]
        expected = jax.tree.map(lambda leaf, slope, rate=rate: leaf - rate * slope, head, gradient)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), new, expected)


def test_interpolated_targets_are_a_penalty_on_the_divergence():
    labels, rho = jnp.array([1, 0]), 0.25
    posteriors = jnp.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])
    targets = interpolated_targets(labels, posteriors, rho)
    np.testing.assert_allclose(targets[0], [0.05, 0.875, 0.075], atol=1e-6)

    def regularised(logits):
        logs = jax.nn.log_softmax(logits)
        likelihood = -jnp.take_along_axis(logs, labels[:, None], axis=1).mean()
        divergence = (posteriors * (jnp.log(posteriors) - logs)).sum(axis=1).mean()
        return (1 - rho) * likelihood + rho * divergence

    logits = jnp.array([[0.1, -0.4, 0.7], [1.0, 0.2, -0.3]])
    of_targets = jax.grad(lambda x: optax.softmax_cross_entropy(x, targets).mean())(logits)
    np.testing.assert_allclose(of_targets, jax.grad(regularised)(logits), atol=1e-6)


def test_each_run_has_its_own_rho():
    labels = jnp.array([[0, 1], [1, 1]])
    posteriors = jnp.full((2, 2, 2), 0.5)
    targets = interpolated_targets(labels, posteriors, jnp.array([0.0, 1.0]))
    np.testing.assert_array_equal(targets, [[[1, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.5]]])


def test_speaker_independent_training_leaves_what_is_the_speakers(net, runs):
    params = one_of(runs.variables["params"], 0)
    groups = parameter_groups(params, speaker_rules("full"))
    assert not any(jax.tree.leaves(groups.trainable["trunk"]["input"]))
    assert groups.trainable["trunk"]["conv1"]["amplitude"]["r"] is False
    assert groups.count(params)[1] == 8 * 8 + 8 + 4 + 5 + 6 + 7


def test_errors_are_told():
    with pytest.raises(ValueError, match="no method 'second'; expected one of input, first"):
        speaker_rules("second")
    assert error_reduction(0.6, 0.9) == pytest.approx(0.75)
    with pytest.raises(ValueError, match=r"accuracy 1\.0 before"):
        error_reduction(1.0, 1.0)


def test_a_target_of_no_class_is_nan():
    targets = interpolated_targets(jnp.array([0, -1]), jnp.full((2, 2), 0.5), jnp.asarray(0.5))
    np.testing.assert_allclose(targets, [[0.75, 0.25], [np.nan, np.nan]])
