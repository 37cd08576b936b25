"""The methods of the table of domain adaptation: what each sees, and its program."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax

from experiments.domain_config import Config, MethodName
from experiments.domain_problem import Problem
from experiments.domain_recipes import (
    Recipe,
    Variables,
    adda,
    dann,
    source_only,
    target_only,
    teacher,
    translation,
    weighted,
)
from jtransfer.data.feeds.resident import ResidentFeed
from jtransfer.nets.ganin import AdaptationNet
from jtransfer.train.averaging import averaged
from jtransfer.train.compilation import CompiledStep, compile_step
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.train.together import compile_runs
from jtransfer.transfer.parameter_groups import ParameterGroups, parameter_groups


@dataclass(frozen=True)
class Method:
    """A row of the table.

    Attributes:
      title: in tables and figures.
      sees: the domains whose images it trains on.
      labelled: those of them whose labels it sees.
      recipe: None where nothing is trained by steps.
      from_source: whether it starts from the source-only run of the same seed.
    """

    title: str
    sees: tuple[str, ...]
    labelled: tuple[str, ...]
    recipe: Callable[[Config, Problem, int], Recipe] | None
    from_source: bool = False


BOTH = ("source", "target")
METHODS: dict[MethodName, Method] = {
    "source": Method("source only", ("source",), ("source",), source_only),
    "sa": Method("SA", BOTH, ("source",), None, from_source=True),
    "dann": Method("DANN", BOTH, ("source",), dann),
    "weighted": Method("DANN, weighted classes", BOTH, ("source",), weighted),
    "adda": Method("ADDA", BOTH, (), adda, from_source=True),
    "translation": Method("image translation", BOTH, ("source",), translation),
    "teacher": Method("mean teacher", BOTH, ("source",), teacher),
    "target": Method("train on target", ("target",), ("target",), target_only),
}


@dataclass(frozen=True)
class Program:
    """A method, compiled: all its seeds share it."""

    recipe: Recipe
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


def initial_variables(net: AdaptationNet, problem: Problem, *, seed: int) -> Variables:
    """Parameters and statistics before training."""
    blank = jnp.zeros((1, *problem.source.images.shape[1:]))
    return net.init(jax.random.key(seed), blank)


def feed_of(
    config: Config, problem: Problem, name: MethodName, recipe: Recipe, *, seed: int
) -> ResidentFeed:
    """The batches that a method trains on."""
    return problem.feed(
        METHODS[name].sees,
        METHODS[name].labelled,
        batch=config.batch,
        seed=seed,
        pixels=recipe.pixels,
    )


def build(config: Config, problem: Problem, name: MethodName) -> Program:
    """Put net, loss, optimizer and data together and compile the step."""
    method, steps = METHODS[name], config.steps_of(name)
    if method.recipe is None:
        raise ValueError(f"{name} is no method that trains by steps")
    recipe = method.recipe(config, problem, steps)
    variables = recipe.start(initial_variables(recipe.net, problem, seed=0))
    groups = parameter_groups(variables["params"], recipe.rules)
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
    feed = feed_of(config, problem, name, recipe, seed=0)

    def on(domain: str, what: str) -> Callable[[TrainState, jax.Array], jax.Array]:
        index = ("source", "target").index(domain)
        read = (recipe.on_source, recipe.on_target)[index]
        transform = problem.transform(domain, recipe.pixels)

        @jax.jit
        def apply(state: TrainState, images: jax.Array) -> Any:
            variables = read({"params": state.params, **state.stats})
            domains = (recipe.domains[index],)
            return recipe.net.apply(variables, transform(images), domains=domains, method=what)

        return apply

    readers = (
        on(domain, what) for what in ("predict", "features", "last_hidden") for domain in BOTH
    )
    compiled = compile_step(step, feed.gather, mesh=config.parallel.mesh)
    of_runs = compile_runs(step, feed.gather)
    return Program(recipe, groups, optimizer, compiled, of_runs, *readers)
