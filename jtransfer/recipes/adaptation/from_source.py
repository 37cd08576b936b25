"""Methods that begin with the source-only net: self-training, source-free and test-time ones.

Their nets drop nothing, so that guesses are those of the whole net.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from jtransfer.recipes.adaptation.descent import as_read, descent, net_of
from jtransfer.recipes.adaptation.options import Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.recipe import Recipe, Variables
from jtransfer.transfer.adaptation.domain_statistics import with_source_statistics
from jtransfer.transfer.adaptation.self_training import self_training_loss, with_thresholds
from jtransfer.transfer.adaptation.shot import SHOT_RULES, shot_loss, with_centroids
from jtransfer.transfer.adaptation.tent import TENT_RULES, tent_loss


def self_training(problem: Problem, options: Options, steps: int) -> Recipe:
    """The surest guesses of each class join the source."""
    net, classes = net_of(problem, options, dropout=0.0), len(problem.source.classes)

    def start(variables: Variables) -> Variables:
        return with_thresholds(with_source_statistics(variables), classes=classes)

    return Recipe(net, self_training_loss(net), **descent(options, steps), start=start)


def shot(problem: Problem, options: Options, steps: int) -> Recipe:
    """The trunk fitted to the frozen classifier on the target alone, at the paper's rate."""
    net, classes = net_of(problem, options, dropout=0.0), len(problem.source.classes)
    blank = jnp.zeros((1, *problem.target.images.shape[1:]))

    def start(variables: Variables) -> Variables:
        features = jax.eval_shape(partial(net.apply, method="features"), variables, blank)
        begun = with_source_statistics(variables)
        return with_centroids(begun, classes=classes, dims=features.shape[1])

    loss = shot_loss(net, weight=0.1)  # the paper's on digits
    return Recipe(net, loss, **descent(options, steps), rules=SHOT_RULES, start=start)


def tent(problem: Problem, options: Options, steps: int) -> Recipe:
    """Batch norm's scales and biases moved on the target alone."""
    del steps
    net, rate = net_of(problem, options, dropout=0.0), 1e-3
    return Recipe(
        net,
        tent_loss(net),
        optax.adam(rate),
        **as_read(options, {"optimizer": "Adam", "rate": rate}),
        rules=TENT_RULES,
        start=with_source_statistics,
    )
