"""The programs that train and test several tasks on one trunk."""

import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import numpy as np
import optax

from jtransfer.data.examples import DataError
from jtransfer.data.feeds.resident import centred, channel_means
from jtransfer.data.feeds.task_mixture import MixedFeed
from jtransfer.nets.initial import initial
from jtransfer.nets.multitask import MultitaskNet
from jtransfer.recipes.multitask.problem import Problem
from jtransfer.train.compilation import compile_step
from jtransfer.train.evaluation import map_batches
from jtransfer.train.loop import fit
from jtransfer.train.parallel import Parallel
from jtransfer.train.run_log import RunLog
from jtransfer.train.schedules import cosine
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.multitask.loss import multitask_loss
from jtransfer.transfer.multitask.task_weights import (
    WEIGHTS,
    FixedWeights,
    Weighting,
    with_task_weights,
)
from jtransfer.transfer.parameter_groups import parameter_groups


@dataclass(frozen=True)
class Options:
    """How a net is trained, whatever its tasks.

    Attributes:
      steps: of training.
      batch: images a step.
      learning_rate: of Adam at the start, falling to 0 as a cosine.
      weight_rate: factor on it for weights of tasks that are parameters.
      temperature: of the mixture of images with and without the scarce label, for `MixedFeed`.
      log_every: steps between records.
      parallel: devices and processes.

    Raises:
      ValueError: if there are fewer than two steps.
    """

    steps: int = 300
    batch: int = 64
    learning_rate: float = 0.003
    weight_rate: float = 10.0
    temperature: float = 5.0
    log_every: int = 10
    parallel: Parallel = field(default_factory=Parallel)

    def __post_init__(self):
        """Check that there is a step to time: the first compiles."""
        if self.steps < 2:
            raise ValueError(
                f"{self.steps} training steps; expected 2 or more, for the first is not timed"
            )


class Trainer:
    """The programs of a net, compiled once for any number of known labels and any seed.

    Args:
      problem: the data.
      net: with a head for each of the problem's tasks that is to be learned.
      weighting: how much each task counts; by default all losses weigh 1.
      options: how it is trained.

    Raises:
      TaskError: if the weighting does not fit the tasks.
      DataError: if the net has a head for a task that the problem does not have.
    """

    def __init__(
        self,
        problem: Problem,
        net: MultitaskNet,
        *,
        weighting: Weighting | None = None,
        options: Options | None = None,
    ):
        self.problem, self.net, self.options = problem, net, options or Options()
        self.tasks = tuple(net.heads)
        self.weighting = weighting or FixedWeights()
        unknown = [task for task in self.tasks if task not in problem.tasks]
        if unknown:
            raise DataError(
                f"the net has a head for {', '.join(unknown)}; expected some of the problem's "
                f"tasks, {', '.join(problem.tasks)}"
            )
        self.transform = centred(channel_means(problem.train["image"]))
        shapes = jax.eval_shape(partial(self.variables, 0))["params"]
        rules = {".*": "full"}
        if WEIGHTS in shapes:
            rules = {f"{WEIGHTS}/.*": self.options.weight_rate, **rules}
        groups = parameter_groups(shapes, rules)
        rate = cosine(self.options.learning_rate, total_steps=self.options.steps)
        self.optimizer = groups.optimizer(optax.adam(rate))
        criteria = {task: problem.tasks[task].criterion for task in self.tasks}
        step = make_step(
            multitask_loss(net, criteria, weighting=self.weighting),
            self.optimizer,
            total_steps=self.options.steps,
        )
        self.step = compile_step(step, self.feed(0, 0).gather, mesh=self.options.parallel.mesh)
        self.predict = jax.jit(
            lambda variables, pixels: self.net.apply(
                variables, self.transform(pixels), method="predict"
            )
        )

    def variables(self, seed: int) -> dict[str, Any]:
        """What a run starts from."""
        shape = self.problem.train["image"].shape[1:]
        fresh = initial(self.net, jax.random.key(seed), np.zeros((1, *shape), np.float32))
        return with_task_weights(fresh, self.weighting, self.tasks)

    def feed(self, known: int, seed: int) -> MixedFeed:
        """The batches of a run."""
        sets = self.problem.sets(self.tasks, known, seed)
        options = self.options
        return MixedFeed(sets, options.batch, options.temperature, seed, self.transform)

    def train(self, known: int, seed: int, log: RunLog | None = None) -> tuple[TrainState, float]:
        """Train from a seed.

        Args:
          known: images a class whose scarce label is known; 0 for all.
          seed: of which ones, of parameters and order.
          log: told the losses and weights.

        Returns:
          The trained state, and the processor's time for a step in milliseconds.
        """
        state = TrainState.create(self.variables(seed), self.optimizer, rng=jax.random.key(seed))
        feed, steps = self.feed(known, seed), self.options.steps
        mesh = self.options.parallel.mesh
        state = fit(self.step, state, feed, steps=1, log=None, mesh=mesh)
        started = time.process_time()
        logged = {"log": log, "log_every": self.options.log_every, "mesh": mesh}
        state = jax.block_until_ready(fit(self.step, state, feed, steps=steps, **logged))
        return state, 1e3 * (time.process_time() - started) / (steps - 1)

    def test(self, state: TrainState) -> dict[str, float]:
        """Each task's score on the test set."""
        variables = {"params": {k: v for k, v in state.params.items() if k != WEIGHTS}}
        outputs = map_batches(partial(self.predict, variables), self.problem.test["image"])
        return {
            task: self.problem.tasks[task].score(outputs[task], self.problem.test[task])
            for task in self.tasks
        }
