"""A method, compiled: net, loss, optimizer and data put together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import optax
from jax.sharding import Mesh

from jtransfer.data.feeds.domain_feed import DomainFeed
from jtransfer.data.feeds.resident import ResidentFeed
from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.initial import initial
from jtransfer.recipes.adaptation.methods import BOTH, METHODS
from jtransfer.recipes.adaptation.options import Conduct, Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.published_trunk import PublishedTrunk
from jtransfer.recipes.adaptation.recipe import Recipe, Variables
from jtransfer.train.averaging import averaged
from jtransfer.train.compilation import CompiledStep, compile_step
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.train.together import compile_runs
from jtransfer.transfer.parameter_groups import ParameterGroups, parameter_groups


@dataclass(frozen=True)
class Program:
    """A method, compiled: all its seeds share it.

    `settings` say what its results depend on, but for the seed.
    """

    method: str
    recipe: Recipe
    settings: dict[str, Any]
    groups: ParameterGroups
    optimizer: optax.GradientTransformation
    step: CompiledStep
    step_of_runs: CompiledStep
    source_logits: Callable[[TrainState, jax.Array], jax.Array]
    target_logits: Callable[[TrainState, jax.Array], jax.Array]
    source_features: Callable[[TrainState, jax.Array], jax.Array]
    target_features: Callable[[TrainState, jax.Array], jax.Array]
    source_hidden: Callable[[TrainState, jax.Array], jax.Array]
    target_hidden: Callable[[TrainState, jax.Array], jax.Array]
    trunk: PublishedTrunk | None = None


def initial_variables(
    net: AdaptationNet, problem: Problem, *, seed: int, trunk: PublishedTrunk | None = None
) -> Variables:
    """Parameters and statistics before training, those of a published trunk where there is one."""
    blank = np.zeros((1, *problem.source.images.shape[1:]), np.float32)
    fresh = initial(net, jax.random.key(seed), blank)
    return fresh if trunk is None else trunk.under(fresh)


def feed_of(
    problem: Problem,
    options: Options,
    method: str,
    recipe: Recipe,
    *,
    seed: int,
    mesh: Mesh | None = None,
) -> ResidentFeed | DomainFeed:
    """The batches that a method trains on."""
    about = METHODS[method]
    return problem.feed(
        about.sees,
        about.labelled,
        batch=options.batch,
        seed=seed,
        pixels=recipe.pixels,
        transform=None if options.trunk is None else options.trunk.normalise,
        mesh=mesh,
    )


def settings_of(
    problem: Problem, options: Options, conduct: Conduct, method: str
) -> dict[str, Any]:
    """What the results of every method depend on, but for the seed and its recipe's settings."""
    settings = {
        **conduct.identity,
        "options": options.said(),
        "batch": options.batch,
        "steps": conduct.steps_of(method),
        "method": method,
        "data": problem.fingerprints,
    }
    if METHODS[method].from_source:
        settings["source_steps"] = conduct.steps_of("source")
    return settings


def build(problem: Problem, options: Options, conduct: Conduct, method: str) -> Program:
    """Put net, loss, optimizer and data together and compile the step.

    Raises:
      ValueError: if it is no method that trains by steps.
    """
    about, steps = METHODS[method], conduct.steps_of(method)
    if about.recipe is None:
        raise ValueError(f"{method} is no method that trains by steps")
    recipe = about.recipe(problem, options, steps)
    settings = settings_of(problem, options, conduct, method) | recipe.settings
    settings["evaluate_every"] = conduct.evaluate_every  # the checkpoints to choose among
    if recipe.average is not None:
        settings["average"] = recipe.average
    trunk = options.trunk
    variables = jax.eval_shape(
        lambda: recipe.start(initial_variables(recipe.net, problem, seed=0, trunk=trunk))
    )
    rules = recipe.rules if trunk is None else trunk.rules(recipe.rules)
    groups = parameter_groups(variables["params"], rules)
    optimizer = groups.optimizer(recipe.optimizer)
    if recipe.average is not None:
        optimizer = averaged(optimizer, decay=recipe.average)
    step = make_step(
        recipe.loss,
        optimizer,
        total_steps=steps,
        trainable=groups.trainable,
        augment=recipe.augment,
    )
    feed = feed_of(problem, options, method, recipe, seed=0)

    def on(domain: str, what: str) -> Callable[[TrainState, jax.Array], jax.Array]:
        index = ("source", "target").index(domain)
        read = (recipe.on_source, recipe.on_target)[index]
        transform = problem.transform(domain, recipe.pixels) if trunk is None else trunk.normalise

        @jax.jit
        def apply(state: TrainState, images: jax.Array) -> Any:
            variables = read({"params": state.params, **state.stats})
            domains = (recipe.domains[index],)
            return recipe.net.apply(variables, transform(images), domains=domains, method=what)

        return apply

    readers = (
        on(domain, what) for what in ("predict", "features", "last_hidden") for domain in BOTH
    )
    compiled = compile_step(step, feed.gather, mesh=conduct.parallel.mesh)
    of_runs = compile_runs(step, feed.gather)
    return Program(
        method, recipe, settings, groups, optimizer, compiled, of_runs, *readers, trunk=trunk
    )
