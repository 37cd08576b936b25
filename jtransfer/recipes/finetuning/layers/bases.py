"""The nets that layers are copied from: one on each half of a split."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.initial import initial
from jtransfer.recipes.finetuning.layers.halves import Half, Halved
from jtransfer.recipes.finetuning.layers.options import Conduct, Options
from jtransfer.recipes.finetuning.learner import Learner
from jtransfer.recipes.finetuning.source_run import train_source
from jtransfer.train.state import TrainState
from jtransfer.transfer.finetuning.layers import layer_names
from jtransfer.transfer.finetuning.regimes import freezing


@dataclass(frozen=True)
class Split:
    """One random split and the nets that were trained on its halves.

    Attributes:
      seed: of the split.
      half_b: the task that is transferred to.
      bases: variables of the nets of A and B.
      accuracy: of B's net on B's test images.
    """

    seed: int
    half_b: Half
    bases: Mapping[str, Any]
    accuracy: float


def settings_of(problem: Halved, options: Options, conduct: Conduct) -> dict[str, Any]:
    """What all nets' results depend on."""
    return {
        **conduct.identity,
        "steps": options.steps,
        "batch": options.batch,
        "rate": options.learning_rate,
        "momentum": options.momentum,
        "data": problem.fingerprints,
    }


def fresh_variables(net: Classifier, problem: Halved, *, seed: int) -> dict[str, Any]:
    """Newly initialised parameters."""
    blank = np.zeros((1, *problem.train.images.shape[1:]), np.float32)
    return initial(net, jax.random.key(seed), blank)


def learner_of(
    problem: Halved, options: Options, conduct: Conduct, frozen: tuple[str, ...]
) -> Learner:
    """The program of all nets with these layers frozen."""
    net = options.net(classes=problem.classes)
    return Learner.build(
        net,
        fresh_variables(net, problem, seed=0)["params"],
        freezing(layer_names(net), frozen, steps=options.steps),
        problem.transform,
        batch=options.batch,
        momentum=options.momentum,
        mesh=conduct.parallel.mesh,
    )


def on_device(problem: Halved, half: Half) -> dict[str, jax.Array]:
    """All training images, with the labels of one half."""
    return {"image": jnp.asarray(problem.train.images), "label": jnp.asarray(half.labels)}


def train_bases(
    problem: Halved, options: Options, conduct: Conduct, learner: Learner, seed: int
) -> Split:
    """Train a net on each half of a split, or take it from its checkpoint."""
    net, halves = options.net(classes=problem.classes), problem.halves(seed)
    bases: dict[str, Any] = {}
    accuracies: dict[str, float] = {}
    for name, half in zip("AB", halves, strict=True):

        def measure(state: TrainState, half: Half = half) -> dict[str, float]:
            return {"accuracy": learner.accuracy(state, half.test_images, half.test_labels)}

        # Different seeds: B's own net must not start as A's did.
        number = 2 * seed + "AB".index(name)
        state, result = train_source(
            learner,
            conduct.out / f"{conduct.prefix}base{name}-{options.steps}-seed{seed}",
            {**settings_of(problem, options, conduct), "kind": f"base{name}", "seed": seed},
            fresh_variables(net, problem, seed=number),
            on_device(problem, half),
            half.positions,
            learning_rate=options.learning_rate,
            seed=number,
            measure=measure,
        )
        bases[name] = {"params": state.params, **state.stats}
        accuracies[name] = result["accuracy"]
    return Split(seed, halves[1], bases, accuracies["B"])
