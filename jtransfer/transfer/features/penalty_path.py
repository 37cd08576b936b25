"""Linear models for a whole grid of C, on all folds and for all classes, in one compiled program.

Each minimises |w|^2 / 2 plus C times a loss of the scores X w + b, so w is a combination of the
training features, X^T a. In the metric of w the gradient has the coefficients a + C loss'(scores),
so an iteration of nonlinear conjugate gradients (Polak-Ribiere) needs one product with the Gram
matrix X X^T, shared by all models and whatever the number of features (Chapelle 2007, "Training a
support vector machine in the primal", sections 3 and 4).
"""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

Kind = Literal["svm", "softmax"]
# Accelerators round the factors of a float32 product unless they are told not to.
product = partial(jnp.matmul, precision="highest")

_ROUND = 32  # iterations after which the scores are computed afresh, against float32's drift
_LINE_STEPS = 20  # at most, of the search along a direction
_LINE_TOLERANCE = 0.02  # of the slope along it, as a share of that at its beginning
_POWER_STEPS = 20  # of the iteration for the largest variance; it scales a bias, so roughly will do


class Path(NamedTuple):
    """The models of every C in turn.

    Attributes:
      coefficients: a of every C's models, [penalties, n, folds, classes].
      bias: [penalties, folds, classes].
      predictions: classes [penalties, n, folds] of all examples, those held out as well.
      excess: how far the objective is above the minimum, as a share of it, at most, as far as
        float32 can tell: [penalties, folds, classes], or [penalties, folds, 1] where the classes
        are one problem.
      iterations: [penalties].
    """

    coefficients: jax.Array
    bias: jax.Array
    predictions: jax.Array
    excess: jax.Array
    iterations: jax.Array


class PathLoss(NamedTuple):
    """A convex loss of scores [n, folds, classes] with targets [n, 1, classes] of 0 and 1."""

    value: Callable[..., jax.Array]  # (scores, targets), [n, folds, classes or 1]
    slope: Callable[..., jax.Array]  # by each score
    curvature: Callable[..., jax.Array]  # by each score
    bend: Callable[..., jax.Array]  # (scores, targets, way): second derivative along it
    axes: tuple[int, ...]  # of the scores that make one problem
    free_bias: bool  # or penalised by |b|^2 / 2


def _squared_hinge() -> PathLoss:
    """max(0, 1 - y s)^2 with y = 1 for the class and -1 for the rest, each class a problem.

    The bias is the weight of a feature like others, as in liblinear (Fan et al., JMLR 2008).
    """

    def short(scores, targets):
        return jnp.maximum(0, 1 - (2 * targets - 1) * scores)

    def curvature(scores, targets):
        return 2.0 * (short(scores, targets) > 0)

    return PathLoss(
        value=lambda scores, targets: short(scores, targets) ** 2,
        slope=lambda scores, targets: -2 * (2 * targets - 1) * short(scores, targets),
        curvature=curvature,
        bend=lambda scores, targets, way: curvature(scores, targets) * way**2,
        axes=(0,),
        free_bias=False,
    )


def _cross_entropy() -> PathLoss:
    """Log sum exp(s) - s of the example's class, all classes one problem; the bias is free."""

    def shares(scores):
        return jax.nn.softmax(scores, axis=2)

    def value(scores, targets):
        own = (scores * targets).sum(2, keepdims=True)
        return jax.nn.logsumexp(scores, axis=2, keepdims=True) - own

    def bend(scores, targets, way):
        del targets
        mean = (shares(scores) * way).sum(2, keepdims=True)
        return shares(scores) * (way - mean) ** 2

    return PathLoss(
        value=value,
        slope=lambda scores, targets: shares(scores) - targets,
        curvature=lambda scores, _: shares(scores) * (1 - shares(scores)),
        bend=bend,
        axes=(0, 2),
        free_bias=True,
    )


LOSSES: dict[Kind, PathLoss] = {"svm": _squared_hinge(), "softmax": _cross_entropy()}


class _Model(NamedTuple):
    """Linear models, or directions in which to change them."""

    a: jax.Array  # [n, folds, classes]
    bias: jax.Array  # [1, folds, classes]
    scores: jax.Array  # K a + intercept bias, [n, folds, classes]


class _Search(NamedTuple):
    """Where the descent at one C stands; numbers of a problem are [1, folds, classes or 1]."""

    model: _Model
    way: _Model  # the direction of the last step
    slope: jax.Array  # the gradient before it, as coefficients
    bias_slope: jax.Array
    squared: jax.Array  # its norm in the metric of the descent
    excess: jax.Array
    iterations: jax.Array


@partial(jax.jit, static_argnames="kind")
def penalty_path(
    gram: jax.Array,
    intercept: jax.Array,
    ridge: float | jax.Array,
    targets: jax.Array,
    trained: jax.Array,
    penalties: jax.Array,
    tolerance: float,
    most: int,
    *,
    kind: Kind,
) -> Path:
    """Fit models for every C in turn, each from those of the one before.

    Args:
      gram: K = X X^T, [n, n].
      intercept: the feature whose weight is the bias, 1 or about 1: [n].
      ridge: of an SVM's bias, ridge b^2 / 2; that of the softmax is free.
      targets: 1 for the example's class, else 0: [n, classes].
      trained: 1 for examples that a fold trains on, else 0: [n, folds], or for each SVM its own:
        [n, folds, classes].
      penalties: values of C; ascending ones are the quickest.
      tolerance: excess at which to stop. The SVM's objective P is 1-strongly convex, so that
        P - |gradient|^2 / 2 bounds its minimum from below; where a bias is free, its share of the
        gradient is measured by its curvature, and the excess is an estimate. Both are float32's.
      most: iterations after which to stop anyway, at each C.
      kind: "svm" or "softmax".
    """
    loss = LOSSES[kind]
    y, mask = targets[:, None, :], trained.reshape(*trained.shape[:2], -1)
    total = partial(jnp.sum, axis=loss.axes, keepdims=True)
    intercept = intercept[:, None, None]
    ridge = jnp.float32(0.0 if loss.free_bias else ridge)

    def times_gram(a):
        return product(gram, a.reshape(len(a), -1)).reshape(a.shape)

    def inner(one: _Model, other: _Model):
        weights = total(one.a * (other.scores - intercept * other.bias))
        return weights + ridge * total(one.bias * other.bias)

    mean = mask / mask.sum(0, keepdims=True)  # the coefficients of each fold's mean feature
    mean_scores = times_gram(mean)
    variance = _largest_variance(gram)

    def minimise(start, C):
        def step(s: _Search, metric, bias_scale) -> _Search:
            model = s.model
            data = C * loss.slope(model.scores, y) * mask
            slope = model.a + data
            bias_slope = ridge * model.bias + (intercept * data).sum(0, keepdims=True)
            slope_scores = times_gram(slope)
            value = inner(model, model) / 2 + C * total(loss.value(model.scores, y) * mask)
            norm = total(slope * slope_scores) + total(bias_slope**2 / bias_scale)
            excess = norm / 2 / value

            # The direction of steepest descent where each fold's features have mean zero, which
            # leaves the bias what the mean had; its scale is that of the steepest other direction.
            down = slope - mean * bias_slope
            moved = slope_scores - mean_scores * bias_slope
            bias_down = metric * bias_slope - (mean * moved).sum(0, keepdims=True)
            steepest = _Model(-down, -bias_down, -moved - intercept * bias_down)

            def by_steepest(coefficients, bias):
                return total(coefficients * -moved) + total(bias * -bias_down)

            squared = -by_steepest(slope, bias_slope)
            turn = jnp.maximum(0, (squared + by_steepest(s.slope, s.bias_slope)) / s.squared)
            way = jax.tree.map(lambda to, at: to + turn * at, steepest, s.way)
            descent = total(slope * (way.scores - intercept * way.bias))
            descent += total(bias_slope * way.bias)
            way = jax.tree.map(lambda to, at: jnp.where(descent < 0, to, at), way, steepest)
            length = search(model, way)
            model = jax.tree.map(lambda at, to: at + length * to, model, way)
            return _Search(model, way, slope, bias_slope, squared, excess, s.iterations + 1)

        def search(model: _Model, way: _Model):
            """The length of the way to its lowest point, by Newton's method between bounds.

            The bounds are halved where Newton's steps do not halve: between the ends of a loss that
            is bent on one side and straight on the other they would go to and fro for ever.
            """
            first, second = inner(model, way), inner(way, way)

            def slopes(length):
                scores = model.scores + length * way.scores
                slope = first + length * second
                slope += C * total(loss.slope(scores, y) * way.scores * mask)
                return slope, second + C * total(loss.bend(scores, y, way.scores) * mask)

            def unfinished(carry):
                *_, slope, _, steps = carry
                return (steps < _LINE_STEPS) & (jnp.abs(slope) > small).any()

            def newton(carry):
                length, low, high, moved, slope, bend, steps = carry
                low = jnp.where(slope < 0, length, low)
                high = jnp.where(slope < 0, high, length)
                move = -slope / jnp.maximum(bend, 1e-30)
                better = length + move
                middle = jnp.where(jnp.isinf(high), 2 * low + 1, (low + high) / 2)
                halves = jnp.isinf(high) | (2 * jnp.abs(move) <= moved)
                better = jnp.where((better >= low) & (better <= high) & halves, better, middle)
                better = jnp.where(jnp.abs(slope) > small, better, length)
                moved = jnp.abs(better - length)
                return better, low, high, moved, *slopes(better), steps + 1

            zero = jnp.zeros_like(first)
            begin = slopes(zero)
            small = _LINE_TOLERANCE * jnp.abs(begin[0])
            endless = jnp.full_like(zero, jnp.inf)
            carry = (zero, zero, endless, endless, *begin, jnp.int32(0))
            return jax.lax.while_loop(unfinished, newton, carry)[0]

        def unfinished(s: _Search):
            # What rounding makes negative or NaN is not there.
            return (s.iterations < most) & ~(jnp.abs(s.excess) <= tolerance).all()

        def one_round(s: _Search) -> _Search:
            scores = times_gram(s.model.a) + intercept * s.model.bias
            model = s.model._replace(scores=scores)
            bend = C * (loss.curvature(model.scores, y) * mask).sum(0, keepdims=True)
            metric = (1 + bend * variance) / (ridge + bend)
            bias_scale = bend if loss.free_bias else ridge
            until = s.iterations + _ROUND
            return jax.lax.while_loop(
                lambda s: unfinished(s) & (s.iterations < until),
                lambda s: step(s, metric, bias_scale),
                s._replace(model=model),
            )

        a, bias = start
        model = _Model(a, bias, jnp.zeros_like(a))
        nothing = jax.tree.map(jnp.zeros_like, model)
        never = jnp.full_like(total(model.a), jnp.inf)
        begin = _Search(model, nothing, nothing.a, nothing.bias, never, never, jnp.int32(0))
        end = jax.lax.while_loop(unfinished, one_round, begin)
        found = (end.model.a, end.model.bias)
        about = end.model.scores.argmax(2), jnp.abs(end.excess[0]), end.iterations
        return found, (*found, *about)

    shape = (*trained.shape[:2], targets.shape[1])
    start = jnp.zeros(shape), jnp.zeros((1, *shape[1:]))
    _, (coefficients, bias, *about) = jax.lax.scan(minimise, start, penalties)
    return Path(coefficients, bias[:, 0], *about)


@jax.jit
def gram_matrix(features: jax.Array) -> jax.Array:
    """Products [n, n] of the features [n, dims] of every two examples."""
    return product(features, features.T)


def _largest_variance(gram):
    """Of the features, in any direction: by power iteration on the centred Gram matrix."""

    def step(_, carry):
        vector, _ = carry
        vector = vector / jnp.maximum(jnp.linalg.norm(vector), 1e-30)
        vector = product(gram, vector - vector.mean())
        vector = vector - vector.mean()
        return vector, jnp.linalg.norm(vector)

    begin = jax.random.normal(jax.random.key(0), (len(gram),)), jnp.zeros(())
    return jax.lax.fori_loop(0, _POWER_STEPS, step, begin)[1] / len(gram)
