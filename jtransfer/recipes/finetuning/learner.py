"""A net and its phases, compiled once for any labelled part of a set, any rate and any seed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import numpy as np
import optax
from jax.sharding import Mesh

from jtransfer.data.feeds.resident import Transform
from jtransfer.measure import accuracy
from jtransfer.nets.classifier import Classifier
from jtransfer.recipes.finetuning.tuning import on_target
from jtransfer.recipes.labelled import LabelledFeed, gather_by
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.evaluation import map_batches
from jtransfer.train.state import TrainState
from jtransfer.train.step import Loss
from jtransfer.transfer.finetuning.finetune import Program, compile_phases, fine_tune
from jtransfer.transfer.finetuning.layers import Variables
from jtransfer.transfer.finetuning.regimes import Phase

CHECKPOINT_EVERY = 500  # steps


def cosine_sgd(
    steps: int, *, learning_rate: float, momentum: float
) -> optax.GradientTransformation:
    """SGD whose learning rate falls to zero as a cosine.

    The rate is kept in the state, so that a program serves all rates.
    """
    return optax.chain(
        optax.sgd(optax.cosine_decay_schedule(1.0, steps), momentum=momentum),
        optax.inject_hyperparams(optax.scale)(step_size=learning_rate),
    )


@dataclass(frozen=True)
class Learner:
    """A net and its phases, compiled for any labelled part of a set, any rate and any seed.

    Attributes:
      programs: of the phases.
      predict: from a state and images [batch, ...] to classes [batch].
      batch: examples a step.
      momentum: of SGD.
    """

    programs: tuple[Program, ...]
    predict: Callable[[TrainState, jax.Array], jax.Array]
    batch: int
    momentum: float

    @classmethod
    def build(
        cls,
        net: Classifier,
        params: Any,
        phases: Sequence[Phase],
        transform: Transform | None,
        *,
        batch: int,
        momentum: float,
        loss: Callable[[Classifier], Loss] = on_target,
        mesh: Mesh | None = None,
    ) -> "Learner":
        """Make the programs; `transform` is applied to the images, in training and after."""
        sgd = partial(cosine_sgd, learning_rate=1.0, momentum=momentum)
        gather = gather_by(transform)
        programs = compile_phases(net, params, phases, gather, loss=loss, optimizer=sgd, mesh=mesh)

        def predict(state: TrainState, images: jax.Array) -> jax.Array:
            images = images if transform is None else transform(images)
            variables = {"params": state.params, **state.stats}
            return net.apply(variables, images, method="predict").argmax(axis=-1)  # pyright: ignore

        return cls(programs, jax.jit(predict), batch, momentum)

    def train(
        self,
        variables: Variables,
        constants: Mapping[str, jax.Array],
        positions: np.ndarray,
        *,
        learning_rate: float,
        seed: int,
        checkpoints: Checkpoints | None = None,
    ) -> TrainState:
        """Train on the examples at `positions`, from the newest checkpoint if there is one.

        Raises:
          NonFiniteLossError: if the rate is too high.
        """
        feed = LabelledFeed(constants, positions, self.batch, seed)
        options = {"rng": jax.random.key(seed), "checkpoints": checkpoints}
        if checkpoints is not None:
            options["checkpoint_every"] = CHECKPOINT_EVERY
        programs = [
            replace(each, optimizer=each.groups.optimizer(self._sgd(each.phase, learning_rate)))
            for each in self.programs
        ]
        return fine_tune(programs, variables, feed, **options)

    def _sgd(self, phase: Phase, learning_rate: float) -> optax.GradientTransformation:
        return cosine_sgd(
            phase.end - phase.start, learning_rate=learning_rate, momentum=self.momentum
        )

    def accuracy(self, state: TrainState, images: np.ndarray, labels: np.ndarray) -> float:
        """Share of the images that are told right."""
        return accuracy(map_batches(partial(self.predict, state), images), labels)
