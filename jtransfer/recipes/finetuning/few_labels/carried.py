"""A net trained on the source, ready to be carried over to the target."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.initial import initial
from jtransfer.recipes.finetuning.few_labels.options import Conduct, Options
from jtransfer.recipes.finetuning.few_labels.problem import Problem
from jtransfer.recipes.finetuning.learner import Learner
from jtransfer.recipes.finetuning.source_run import train_source
from jtransfer.train.evaluation import map_batches
from jtransfer.train.state import TrainState
from jtransfer.transfer.finetuning.layers import layer_names
from jtransfer.transfer.finetuning.regimes import plan


@dataclass(frozen=True)
class Carried:
    """What all regimes share.

    Attributes:
      problem: the images.
      variables: of the net trained on the source.
      features: the source trunk's features of the target's training and test images, [n, dims].
      settings: all that the source net depends on.
    """

    problem: Problem
    variables: Mapping[str, Any]
    features: tuple[np.ndarray, np.ndarray]
    settings: dict[str, Any]


def fresh_variables(net: Classifier, problem: Problem, *, seed: int) -> dict[str, Any]:
    """Newly initialised parameters."""
    blank = np.zeros((1, *problem.source.images.shape[1:]), np.float32)
    return initial(net, jax.random.key(seed), blank)


def carry(problem: Problem, options: Options, conduct: Conduct) -> Carried:
    """Train the source net, or take it from its checkpoint, and compute its features.

    Raises:
      RunFolderError: if the source net's folder holds a run with other settings.
    """
    net, steps = options.net(classes=len(problem.source.classes)), conduct.source_steps
    settings = {
        **conduct.identity,
        "source_steps": steps,
        "source_batch": options.source_batch,
        "source_rate": options.source_learning_rate,
        "momentum": options.momentum,
        "data": problem.fingerprints,
    }
    variables = fresh_variables(net, problem, seed=0)
    learner = Learner.build(
        net,
        variables["params"],
        plan("scratch", layer_names(net), steps=steps),
        problem.transform,
        batch=options.source_batch,
        momentum=options.momentum,
        mesh=conduct.parallel.mesh,
    )

    def measure(state: TrainState) -> dict[str, float]:
        judged = {"source_accuracy": problem.source_test}
        if problem.same_classes:
            judged["target_accuracy"] = problem.test
        return {
            name: learner.accuracy(state, examples.images, examples.labels)
            for name, examples in judged.items()
        }

    state, _ = train_source(
        learner,
        conduct.out / f"{conduct.prefix}source-{steps}",
        {"row": "source", **settings},
        variables,
        {
            "image": jnp.asarray(problem.source.images),
            "label": jnp.asarray(problem.source.labels),
        },
        np.arange(len(problem.source)),
        learning_rate=options.source_learning_rate,
        seed=0,
        measure=measure,
    )
    source = {"params": state.params, **state.stats}

    @jax.jit
    def features(pixels: jax.Array) -> jax.Array:
        return net.apply(source, problem.transform(pixels), method="features")  # pyright: ignore

    of_target = (
        map_batches(features, problem.target.images),
        map_batches(features, problem.test.images),
    )
    return Carried(problem, source, of_target, settings)
