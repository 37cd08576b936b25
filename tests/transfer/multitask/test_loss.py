from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.compilation import compile_step, data_mesh, replicate
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.multitask.gradient_surgery import PCGrad
from jtransfer.transfer.multitask.learned_task_weights import GradNorm, UncertaintyWeights
from jtransfer.transfer.multitask.loss import _inner_products, keep_head, multitask_loss
from jtransfer.transfer.multitask.task_weights import FixedWeights, TaskError
from jtransfer.transfer.parameter_groups import parameter_groups
from tests.draws import integers
from tests.transfer import tiny_tasks
from tests.transfer.tiny_tasks import CRITERIA, TASKS

WEIGHTINGS = {
    "equal": FixedWeights(),
    "fixed": FixedWeights({"shape": 1.0, "colour": 0.5, "angle": 0.1}),
    "uncertainty": UncertaintyWeights(),
    "gradnorm": GradNorm(),
    "pcgrad": PCGrad(),
}


@pytest.fixture(scope="module")
def problem():
    net = tiny_tasks.net()
    return net, tiny_tasks.variables(net, FixedWeights()), tiny_tasks.batch()


@partial(jax.jit, static_argnames="task")
def alone(variables, batch, *, task):
    """Loss and gradient of one task, without any of what is tested."""
    labels = batch["source"][task]

    def loss(params):
        outputs = tiny_tasks.net().apply({"params": params}, batch["source"]["image"])[task]
        if task == "angle":
            return jnp.mean((outputs[:, 0] - labels) ** 2)
        return optax.softmax_cross_entropy_with_integer_labels(outputs, labels).mean()

    return jax.value_and_grad(loss)(variables["params"])


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def assert_close(ours, theirs):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), ours, theirs)


def test_the_loss_is_the_weighted_sum_and_so_is_every_gradient(problem):
    net, variables, batch = problem
    value, gradient, stats, metrics = tiny_tasks.evaluate(
        net, WEIGHTINGS["fixed"], variables, batch
    )
    losses, gradients = zip(*(alone(variables, batch, task=task) for task in TASKS), strict=True)
    weights = [1.0, 0.5, 0.1]
    np.testing.assert_allclose(value, np.dot(weights, losses), rtol=1e-5)
    expected = jax.tree.map(
        lambda *each: sum(w * g for w, g in zip(weights, each, strict=True)), *gradients
    )
    assert_close(gradient, expected)
    assert stats == {}
    for task, loss, weight in zip(TASKS, losses, weights, strict=True):
        total, count = metrics[f"{task}_loss"]
        np.testing.assert_allclose(total / count, loss, rtol=1e-5)
        np.testing.assert_allclose(metrics[f"{task}_weight"][0], weight, rtol=1e-6)
    assert {"shape_accuracy", "colour_accuracy", "angle_error"} <= set(metrics)


@pytest.mark.parametrize("name", list(WEIGHTINGS))
def test_a_task_without_labels_contributes_nothing(name):
    net, weighting = tiny_tasks.net(), WEIGHTINGS[name]
    variables = tiny_tasks.variables(net, weighting)
    batch, evaluate = tiny_tasks.batch(), tiny_tasks.evaluation(net, weighting)
    for task in ("angle", "shape"):
        batch = tiny_tasks.without(task, batch)
        value, gradient, stats, metrics = evaluate(variables, batch)
        assert np.isfinite(flat((value, gradient, stats, metrics))).all()
        assert metrics[f"{task}_loss"] == (0, 0)
        assert not flat(gradient[f"heads_{task}"]).any()
    # What is left is one task alone, and the learned weights of the others rest.
    loss, expected = alone(variables, batch, task="colour")
    weight = 0.5 if name == "fixed" else 1.0
    np.testing.assert_allclose(value, weight * loss, rtol=1e-5)
    assert_close(gradient["trunk"], jax.tree.map(lambda g: weight * g, expected["trunk"]))
    if name == "uncertainty":
        slope = gradient["task_weights"]["log_variance"]
        np.testing.assert_allclose(slope, [0.0, 1.0 - loss, 0.0], rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def conflicting(problem):
    """Labels of two tasks by which they pull the trunk apart."""
    _, variables, batch = problem
    batch = tiny_tasks.without("shape", batch)
    for seed in range(20):
        labels = integers(seed, (8,), 2)
        batch = {"source": {**batch["source"], "colour": labels}}
        gradients = [alone(variables, batch, task=task)[1] for task in ("colour", "angle")]
        colour, angle = (flat(each["trunk"]) for each in gradients)
        if colour @ angle < -0.1 * np.linalg.norm(colour) * np.linalg.norm(angle):
            return batch, gradients, colour, angle
    raise AssertionError("no labels found by which the tasks conflict")


def test_pcgrad_projects_in_the_trunk_and_leaves_the_heads_alone(problem, conflicting):
    net, variables, _ = problem
    batch, gradients, colour, angle = conflicting
    _, gradient, _, metrics = tiny_tasks.evaluate(net, PCGrad(), variables, batch)
    product = colour @ angle
    expected = colour - product / (angle @ angle) * angle + angle
    expected -= product / (colour @ colour) * colour
    np.testing.assert_allclose(flat(gradient["trunk"]), expected, rtol=1e-3, atol=1e-5)
    assert_close(gradient["heads_colour"], gradients[0]["heads_colour"])
    assert_close(gradient["heads_angle"], gradients[1]["heads_angle"])
    weights = [metrics[f"{task}_weight"][0] for task in TASKS]
    factors = [1.0, 1 - product / (colour @ colour), 1 - product / (angle @ angle)]
    np.testing.assert_allclose(weights, factors, rtol=1e-4)


def test_gradnorm_compares_the_last_stage_and_uses_the_weights_it_has(problem):
    net, _, batch = problem
    weighting = GradNorm(learning_rate=0.1)
    variables = tiny_tasks.variables(net, weighting)
    variables["task_weights"]["weight"] = jnp.array([0.5, 1.0, 1.5])
    _, gradient, stats, _ = tiny_tasks.evaluate(net, weighting, variables, batch)
    losses, gradients = zip(*(alone(variables, batch, task=task) for task in TASKS), strict=True)
    expected = jax.tree.map(lambda a, b, c: 0.5 * a + b + 1.5 * c, *gradients)
    assert_close(gradient, expected)
    lengths = np.array([np.linalg.norm(flat(each["trunk"]["conv2"])) for each in gradients])
    weights = np.array([0.5, 1.0, 1.5])
    slope = np.sign(weights * lengths - (weights * lengths).mean()) * lengths
    moved = weights - 0.1 * slope
    np.testing.assert_allclose(stats["task_weights"]["weight"], 3 * moved / moved.sum(), rtol=1e-4)
    np.testing.assert_allclose(stats["task_weights"]["first_loss"], losses, rtol=1e-4)


def test_frozen_stages_are_not_compared(problem, conflicting):
    """With its only free stage conflicting, the factors are of that stage's gradients."""
    _, variables, _ = problem
    batch, gradients, _, _ = conflicting
    frozen = tiny_tasks.net(frozen=("conv1",))
    _, _, _, metrics = tiny_tasks.evaluate(frozen, PCGrad(), variables, batch)
    colour, angle = (flat(each["trunk"]["conv2"]) for each in gradients)
    product = min(colour @ angle, 0.0)
    expected = 1 - product / (colour @ colour)
    np.testing.assert_allclose(metrics["colour_weight"][0], expected, rtol=1e-4)
    with pytest.raises(TaskError, match="all stages of the trunk are frozen, conv1, conv2"):
        multitask_loss(tiny_tasks.net(frozen=("conv1", "conv2")), CRITERIA, weighting=PCGrad())


def test_stages_that_rules_freeze_are_not_compared(problem, conflicting):
    """As those of a net that is told itself."""
    _, variables, _ = problem
    batch, _, _, _ = conflicting
    found = {}
    for frozen in ((), ("conv1",)):
        groups = parameter_groups(variables["params"], {"trunk/conv1/.*": "frozen", ".*": "full"})
        loss = multitask_loss(tiny_tasks.net(frozen=frozen), CRITERIA, weighting=PCGrad())
        optimizer = groups.optimizer(optax.sgd(0.1))
        step = make_step(loss, optimizer, total_steps=1, trainable=groups.trainable)
        state = TrainState.create(variables, optimizer, rng=jax.random.key(0))
        found[frozen] = jax.jit(step)(state, batch)[1]["colour_weight"][0]
    assert found[()] == found[("conv1",)] != 1
    groups = parameter_groups(variables["params"], {"trunk/.*": "frozen", ".*": "full"})
    loss = multitask_loss(tiny_tasks.net(), CRITERIA, weighting=PCGrad())
    step = make_step(loss, optax.sgd(0.1), total_steps=1, trainable=groups.trainable)
    state = TrainState.create(variables, optax.sgd(0.1), rng=jax.random.key(0))
    with pytest.raises(TaskError, match="all stages of the trunk are frozen, conv1, conv2"):
        step(state, batch)


def trained(weighting, *, mesh=None, steps=3):
    """The last state, every step's metrics, and the compiled step."""
    net = tiny_tasks.net(norm=True)
    optimizer = optax.sgd(0.05, momentum=0.9)
    step = make_step(
        multitask_loss(net, CRITERIA, weighting=weighting), optimizer, total_steps=steps
    )
    variables = tiny_tasks.variables(net, weighting)
    state = TrainState.create(variables, optimizer, rng=jax.random.key(0))
    compiled = compile_step(step, lambda constants, inputs: inputs, mesh=mesh)
    if mesh is not None:
        state = replicate(state, mesh)
    batch, metrics = tiny_tasks.batch(), []
    for number in range(steps):
        given = tiny_tasks.without("shape", batch) if number == 1 else batch
        state, found = compiled(state, {}, given)
        metrics.append(found)
    return state, metrics, compiled


@pytest.mark.parametrize("name", list(WEIGHTINGS))
def test_every_weighting_learns_in_one_compiled_step(name):
    state, metrics, compiled = trained(WEIGHTINGS[name], steps=12)
    assert compiled._cache_size() == 1
    losses = [sum(each[f"{task}_loss"][0] for task in TASKS) for each in metrics]
    assert losses[-1] < 0.8 * losses[0]
    if name == "gradnorm":
        assert not np.allclose(state.stats["task_weights"]["weight"], 1.0)


@pytest.mark.parametrize("name", ["pcgrad", "gradnorm"])
def test_over_devices_it_is_the_step_of_one(name):
    whole, expected, _ = trained(WEIGHTINGS[name])
    shared, metrics, _ = trained(WEIGHTINGS[name], mesh=data_mesh(jax.devices()[:2]))
    assert_close((shared.params, shared.stats), (whole.params, whole.stats))
    assert_close(metrics, expected)


def test_the_tasks_forward_passes_are_one():
    """Comparing costs backward passes only: less than as many whole steps as there are tasks."""

    def flops(weighting):
        net = tiny_tasks.net()
        params, stats = tiny_tasks.split(tiny_tasks.variables(net, weighting))
        loss = multitask_loss(net, CRITERIA, weighting=weighting)
        call = jax.jit(jax.grad(loss, has_aux=True))
        lowered = call.lower(params, stats, tiny_tasks.batch(), jax.random.key(0), jnp.zeros(()))
        return lowered.compile().cost_analysis()["flops"]

    equal = flops(FixedWeights())
    # A forward pass is a third of a step: 1 + 3 * 2/3 steps, and 2/3 less without the images'.
    assert flops(PCGrad()) < 3.1 * equal
    assert flops(GradNorm()) < 2.1 * equal


def test_one_head_is_kept(problem):
    net, _, batch = problem
    variables = tiny_tasks.variables(net, GradNorm())
    classifier, kept = keep_head(net, variables, "colour")
    assert set(kept) == {"params"}
    assert set(kept["params"]) == {"trunk", "head"}
    images = batch["source"]["image"]
    np.testing.assert_array_equal(
        classifier.apply(kept, images, method="predict"),
        net.apply({"params": variables["params"]}, images, method="predict")["colour"],
    )
    normed = tiny_tasks.net(norm=True)
    of_normed = tiny_tasks.variables(normed, UncertaintyWeights())
    classifier, kept = keep_head(normed, of_normed, "shape")
    assert set(kept["batch_stats"]) == {"trunk"}
    assert classifier.apply(kept, images).shape == (8, 3)
    with pytest.raises(TaskError, match="no task 'colours'; the net's are shape, colour, angle"):
        keep_head(net, variables, "colours")


def test_tasks_that_do_not_fit_are_errors(problem):
    net, variables, batch = problem
    unknown = {**CRITERIA, "colours": CRITERIA["colour"]}
    with pytest.raises(TaskError, match=r"name the task 'colours'.*Did you mean 'colour'"):
        multitask_loss(net, unknown)
    with pytest.raises(TaskError, match="criteria lack angle"):
        multitask_loss(net, {task: CRITERIA[task] for task in ("shape", "colour")})
    fields = {name: values for name, values in batch["source"].items() if name != "angle"}
    with pytest.raises(TaskError, match=r"labels of 'source'.*lack angle"):
        tiny_tasks.evaluate(net, FixedWeights(), variables, {"source": fields})
    with pytest.raises(TaskError, match="with_task_weights"):
        tiny_tasks.evaluate(net, UncertaintyWeights(), variables, batch)


def test_inner_products_of_half_precision_gradients_are_float32():
    """In bfloat16 the numbers from 256 on are 2 apart."""
    trees = [{"w": jnp.ones(301, jnp.bfloat16)}, {"w": jnp.full(301, 2.0, jnp.bfloat16)}]
    np.testing.assert_array_equal(_inner_products(trees), [[301, 602], [602, 1204]])
