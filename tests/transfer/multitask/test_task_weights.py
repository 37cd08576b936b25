import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.multitask.learned_task_weights import (
    GradNorm,
    UncertaintyWeights,
    hold_within,
)
from jtransfer.transfer.multitask.task_weights import (
    FixedWeights,
    TaskError,
    TaskView,
    with_task_weights,
)

TASKS = ("a", "b", "c")


def view(losses, gradients=None, *, labelled=None, params=None, stats=None):
    count = len(losses)
    vectors = jnp.zeros((count, 1)) if gradients is None else jnp.array(gradients)
    products = vectors @ vectors.T
    return TaskView(
        tasks=TASKS[:count],
        labelled=jnp.ones(count, bool) if labelled is None else jnp.array(labelled),
        losses=jnp.array(losses),
        products=products,
        params=params,
        stats=stats,
        key=jax.random.key(0),
    )


def test_fixed_weights_are_in_the_order_of_the_tasks():
    weighed = FixedWeights({"c": 3.0, "a": 1.0, "b": 2.0})(view([1.0, 1.0, 1.0]))
    assert weighed.losses.tolist() == [1, 2, 3]
    assert weighed.trunk.tolist() == [1, 1, 1]
    assert FixedWeights()(view([5.0, 7.0])).losses.tolist() == [1, 1]


def objective(weighting, log_variance, losses, labelled):
    given = view(losses, labelled=labelled, params={"log_variance": log_variance})
    weighed = weighting(given)
    return (weighed.losses * given.losses).sum() + weighed.penalty


def test_uncertainty_by_hand():
    """exp(-s) L + s: at s = log 2, L = 6 it is 3 + log 2, and its slope 1 - 3."""
    s, losses = jnp.log(jnp.array([2.0, 0.5])), jnp.array([6.0, 1.0])
    value, slope = jax.value_and_grad(objective, argnums=1)(
        UncertaintyWeights(), s, losses, [True, True]
    )
    np.testing.assert_allclose(value, 3 + math.log(2) + 2 - math.log(2), rtol=1e-6)
    np.testing.assert_allclose(slope, [1 - 3, 1 - 2], rtol=1e-6)


def test_uncertainty_settles_at_the_logarithm_of_the_loss():
    """The slope is zero where exp(-s) = 1 / L."""
    losses = jnp.array([4.0, 0.25])
    slope = jax.grad(objective, argnums=1)(
        UncertaintyWeights(), jnp.log(losses), losses, [True, True]
    )
    np.testing.assert_allclose(slope, 0.0, atol=1e-6)


def test_the_uncertainty_of_a_task_without_labels_stays():
    s = jnp.array([0.3, -0.3])
    slope = jax.grad(objective, argnums=1)(
        UncertaintyWeights(), s, jnp.array([2.0, 0.0]), [True, False]
    )
    np.testing.assert_allclose(slope, [1 - 2 * math.exp(-0.3), 0.0], rtol=1e-6)


@pytest.mark.parametrize(("loss", "bound"), [(0.0, 50.0), (1e9, 1 / 50)])
def test_uncertainty_weights_end_at_their_bounds_and_come_back(loss, bound):
    weighting = UncertaintyWeights(most=50.0)
    slope = jax.jit(jax.grad(objective, argnums=1), static_argnums=0)
    s = jnp.zeros(1)
    for _ in range(60):
        s = s - jnp.clip(slope(weighting, s, jnp.array([loss]), [True]), -0.3, 0.3)
    weight = weighting(view([loss], params={"log_variance": s})).losses
    np.testing.assert_allclose(weight, bound, rtol=1e-5)
    assert abs(float(s[0])) < math.log(50) + 0.31  # it did not run away unseen
    for _ in range(60):
        s = s - jnp.clip(slope(weighting, s, jnp.array([1.0]), [True]), -0.3, 0.3)
    np.testing.assert_allclose(s, 0.0, atol=1e-2)


def test_held_values_by_hand():
    values = jnp.array([-3.0, -3.0, 0.5, 2.0, 2.5])
    held, pull = jax.vjp(lambda given: hold_within(given, 2.0), values)
    assert held.tolist() == [-2, -2, 0.5, 2, 2]
    assert pull(jnp.array([1.0, -1.0, 1.0, -1.0, 1.0]))[0].tolist() == [0, -1, 1, 0, 1]


def chen(weights, first, losses, gradients, *, alpha, rate):
    """Algorithm 1 of GradNorm in NumPy, the slope by differences."""
    losses, gradients = np.asarray(losses, float), np.asarray(gradients, float)

    def pulls(weights):
        return np.linalg.norm(weights[:, None] * gradients, axis=1)

    relative = (losses / first) / (losses / first).mean()
    target = pulls(weights).mean() * relative**alpha

    def loss(weights):
        return np.abs(pulls(weights) - target).sum()

    step = 1e-6 * np.eye(len(weights))
    slope = np.array([(loss(weights + each) - loss(weights - each)) / 2e-6 for each in step])
    moved = weights - rate * slope
    return moved * len(weights) / moved.sum()


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.5])
def test_gradnorm_as_by_algorithm_1(alpha):
    random = np.random.default_rng(3)
    weighting = GradNorm(alpha=alpha, learning_rate=0.01)
    stats = weighting.init(TASKS)["stats"]
    weights, first = np.ones(3), None
    for _ in range(6):
        losses = random.uniform(0.5, 4.0, 3).astype(np.float32)
        gradients = random.normal(size=(3, 5)).astype(np.float32) * [[1.0], [4.0], [0.2]]
        first = losses if first is None else first
        weighed = weighting(view(losses, gradients.astype(np.float32), stats=stats))
        np.testing.assert_allclose(weighed.losses, weights, rtol=1e-4)
        stats = weighed.stats
        weights = chen(weights, first, losses, gradients, alpha=alpha, rate=0.01)
    np.testing.assert_allclose(stats["weight"], weights, rtol=1e-4)
    assert weights.std() > 0.05


def test_gradnorm_leaves_a_task_without_labels_alone():
    weighting = GradNorm()
    stats = weighting.init(TASKS)["stats"]
    gradients = [[1.0], [0.0], [3.0]]
    weighed = weighting(view([1.0, 0.0, 1.0], gradients, labelled=[True, False, True], stats=stats))
    assert weighed.stats["first_loss"].tolist() == [1, 0, 1]
    # The others' mean pull is 2, so they move by rate * length, a up and c down.
    moved = np.array([1 + 0.025, 1.0, 1 - 0.075])
    np.testing.assert_allclose(weighed.stats["weight"], 3 * moved / moved.sum(), rtol=1e-6)
    later = weighting(view([1.0, 7.0, 1.0], gradients, stats=weighed.stats))
    assert later.stats["first_loss"].tolist() == [1, 7, 1]


@pytest.mark.parametrize("lengths", [[1e8, 1e-8, 1.0], [0.0, 0.0, 0.0], [1e15, 1.0, 0.0]])
def test_gradnorms_weights_stay_between_their_bounds(lengths):
    weighting = GradNorm(learning_rate=10.0, least=0.03)
    stats = weighting.init(TASKS)["stats"]
    for losses in ([1.0, 1.0, 1.0], [0.0, 1e6, 1e-6], [0.0, 0.0, 0.0]):
        stats = weighting(view(losses, [[length] for length in lengths], stats=stats)).stats
        weights = np.asarray(stats["weight"])
        assert weights.min() >= 0.01 * (1 - 1e-5)
        np.testing.assert_allclose(weights.sum(), 3, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FixedWeights({"a": 0.0}), r"task 'a' has the weight 0\.0; expected a positive"),
        (lambda: FixedWeights({"a": math.inf}), "task 'a' has the weight inf"),
        (lambda: FixedWeights({"a": math.nan}), "task 'a' has the weight nan"),
        (lambda: UncertaintyWeights(most=math.inf), "most is inf; expected a finite"),
        (
            lambda: GradNorm(learning_rate=0.0),
            r"learning_rate=0\.0.*expected alpha of 0 or more, a positive rate",
        ),
        (lambda: GradNorm(least=0.0), r"least=0\.0; expected"),
        (
            lambda: FixedWeights({"a": 1, "B": 1}).init(("a", "b")),
            "weights name the task 'B', and the tasks are a, b. Did you mean 'b'",
        ),
        (lambda: FixedWeights({"a": 1}).init(TASKS), "weights lack b, c; expected one for every"),
        (
            lambda: GradNorm()(view([1.0], stats=None)),
            "hold nothing of GradNorm.*with_task_weights",
        ),
    ],
)
def test_unusable_weights_are_errors(make, message):
    with pytest.raises(TaskError, match=message):
        make()


def test_what_a_weighting_keeps_joins_the_variables():
    variables = {"params": {"trunk": 1}, "batch_stats": {}}
    made = with_task_weights(variables, UncertaintyWeights(), TASKS)
    assert made["params"]["task_weights"]["log_variance"].tolist() == [0, 0, 0]
    assert with_task_weights(variables, FixedWeights(), TASKS) == variables
    assert "task_weights" in with_task_weights(variables, GradNorm(), TASKS)
    assert variables == {"params": {"trunk": 1}, "batch_stats": {}}
