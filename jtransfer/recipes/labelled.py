"""Training on some examples of a set that lies on the device whole: one program for any number."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import jax
import numpy as np
import optax
from jax.sharding import Mesh

from jtransfer.data.feeds.resident import Transform
from jtransfer.data.splits import stratified_folds
from jtransfer.measure import accuracy
from jtransfer.nets.classifier import Classifier
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import Gather
from jtransfer.train.evaluation import map_batches
from jtransfer.train.loop import NonFiniteLossError
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.state import TrainState
from jtransfer.train.step import Loss
from jtransfer.transfer.finetuning.finetune import Program, compile_phases, fine_tune
from jtransfer.transfer.finetuning.layers import Variables
from jtransfer.transfer.finetuning.regimes import Phase
from jtransfer.transfer.supervised import supervised_loss

FOLDS = 5  # the labelled examples are cut into: one to choose the rate, the others to train
CHECKPOINT_EVERY = 500  # steps of a source net's training

on_target = partial(supervised_loss, domain="target")


@dataclass(frozen=True)
class LabelledFeed:
    """Batches of some examples of a set, in a fresh order every epoch.

    A batch may span epochs and be larger than the labelled set: then it holds examples repeatedly.

    Attributes:
      constants: `image` and `label` of the whole set, on the device.
      positions: the labelled examples.
      batch: examples a step.
      seed: of the order.
    """

    constants: Mapping[str, jax.Array]
    positions: np.ndarray
    batch: int
    seed: int

    def inputs(self, step: int) -> np.ndarray:
        """Positions of a step's examples: [batch] int32."""
        count, start = len(self.positions), step * self.batch
        first, last = start // count, (start + self.batch - 1) // count
        stream = np.concatenate(
            [
                np.random.default_rng((self.seed, epoch)).permutation(self.positions)
                for epoch in range(first, last + 1)
            ]
        )
        begin = start - first * count
        return stream[begin : begin + self.batch].astype(np.int32)


def gather_by(transform: Transform | None) -> Gather:
    """Take a batch's examples and transform its images, for `compile_step`."""

    def gather(constants: Any, positions: Any) -> dict[str, dict[str, jax.Array]]:
        images = constants["image"][positions]
        images = images if transform is None else transform(images)
        return {"target": {"image": images, "label": constants["label"][positions]}}

    return gather


def cosine_sgd(steps: int, *, rate: float, momentum: float) -> optax.GradientTransformation:
    """SGD whose rate falls to zero as a cosine.

    The rate is kept in the state, so that a program serves all rates.
    """
    return optax.chain(
        optax.sgd(optax.cosine_decay_schedule(1.0, steps), momentum=momentum),
        optax.inject_hyperparams(optax.scale)(step_size=rate),
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
        sgd = partial(cosine_sgd, rate=1.0, momentum=momentum)
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
        rate: float,
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
            replace(each, optimizer=each.groups.optimizer(self._sgd(each.phase, rate)))
            for each in self.programs
        ]
        return fine_tune(programs, variables, feed, **options)

    def _sgd(self, phase: Phase, rate: float) -> optax.GradientTransformation:
        return cosine_sgd(phase.end - phase.start, rate=rate, momentum=self.momentum)

    def accuracy(self, state: TrainState, images: np.ndarray, labels: np.ndarray) -> float:
        """Share of the images that are told right."""
        return accuracy(map_batches(partial(self.predict, state), images), labels)


class Trainable(Protocol):
    """What a rate is chosen for."""

    def train(self, positions: np.ndarray, rate: float, seed: int) -> TrainState:
        """Train on the examples at `positions`."""
        ...

    def validate(self, state: TrainState, positions: np.ndarray) -> float:
        """Accuracy on the examples at `positions`."""
        ...


def choose_rate(
    trainer: Trainable,
    labels: np.ndarray,
    positions: np.ndarray,
    rates: Sequence[float],
    *,
    seed: int,
) -> float:
    """The rate of the best accuracy on a held-out fifth of the labelled examples.

    Among equals the first; the first as well where a class has too few examples to hold one out.
    """
    counts = np.bincount(labels[positions])
    if len(rates) == 1 or counts[counts > 0].min() < FOLDS:
        return rates[0]
    train, held = stratified_folds(labels[positions], FOLDS, seed=seed)[0]
    scores = []
    for rate in rates:
        try:
            state = trainer.train(positions[train], rate, seed)
            scores.append(trainer.validate(state, positions[held]))
        except NonFiniteLossError:
            scores.append(-1.0)
    return rates[int(np.argmax(scores))]


def train_source(
    learner: Learner,
    path: Path,
    settings: Mapping[str, Any],
    variables: Variables,
    constants: Mapping[str, jax.Array],
    positions: np.ndarray,
    *,
    rate: float,
    seed: int,
    measure: Callable[[TrainState], dict[str, float]],
) -> tuple[TrainState, dict[str, Any]]:
    """Train a net to transfer from, or take it from the run's checkpoint; with the run's result.

    Args:
      learner: of one phase.
      path: the folder of the run.
      settings: all that the run depends on.
      variables: to start from.
      constants: `image` and `label` of a whole set, on the device.
      positions: the examples to train on.
      rate: at the start.
      seed: of the order.
      measure: numbers for the result.
    """
    folder = RunFolder(path, settings)
    with Checkpoints(folder.checkpoint_folder) as checkpoints:
        started = time.perf_counter()
        state = learner.train(
            variables, constants, positions, rate=rate, seed=seed, checkpoints=checkpoints
        )
        result = folder.result()
        if result is None:
            seconds = round(time.perf_counter() - started, 1)
            result = folder.write_result({**settings, **measure(state), "seconds": seconds})
    shown = {name: value for name, value in result.items() if name.endswith("accuracy")}
    print(f"{path.name}: " + ", ".join(f"{name} {value:.4f}" for name, value in shown.items()))
    return state, result
