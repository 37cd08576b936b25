"""Many adaptations at once: what they start from, and how well they do."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from jtransfer.recipes.labelled import LabelledFeed
from jtransfer.recipes.speakers.corpus import Corpus
from jtransfer.recipes.speakers.options import Setting
from jtransfer.recipes.speakers.task import Task
from jtransfer.transfer.finetuning.speaker import (
    METHODS,
    Adaptation,
    Method,
    Run,
    interpolated_targets,
    make_adaptation,
    over_runs,
)


@dataclass(frozen=True)
class Adapter:
    """The programs of all methods, each compiled once for any speaker, draw, number and setting.

    Attributes:
      corpus: where the utterances are.
      steps: of every adaptation.
      batch: utterances a step.
      slots: most utterances that a task adapts on.
      together: adaptations in one call.
    """

    corpus: Corpus
    steps: int
    batch: int
    slots: int
    together: int

    @cached_property
    def adaptations(self) -> dict[Method, Adaptation]:
        """Every method as a function of a run."""
        params = self.corpus.fresh(seed=0)["params"]

        def optimizer(rate: jax.Array) -> optax.GradientTransformation:
            return optax.adam(optax.cosine_decay_schedule(rate, self.steps))  # pyright: ignore

        make = partial(make_adaptation, self.corpus.net(), params)
        return {each: make(each, steps=self.steps, optimizer=optimizer) for each in METHODS}

    @cached_property
    def _programs(self) -> dict[Method, Any]:
        return {name: over_runs({name: each}) for name, each in self.adaptations.items()}

    @cached_property
    def _logits(self) -> Any:
        """From stacked variables and positions [runs, n] to logits [runs, n, classes]."""
        net = self.corpus.net()

        def of_one(frames, mask, run):
            variables, positions = run
            images = (frames[positions], mask[positions])
            return net.apply(variables, images, method="predict")  # pyright: ignore

        def of_all(frames, mask, variables, positions):
            # One after the other, for the memory: nothing here is worth doing at once.
            return lax.map(partial(of_one, frames, mask), (variables, positions))

        return partial(jax.jit(of_all), self.corpus.frames, self.corpus.mask)

    def runs(self, tasks: Sequence[Task], settings: Sequence[Setting]) -> Run:
        """What the tasks start from, stacked."""
        variables = _stacked([task.variables for task in tasks])
        positions = _filled([task.adapt for task in tasks], self.slots)
        logits = self._logits(variables, positions)
        rates, rhos = jnp.asarray(settings, jnp.float32).T
        orders = [
            [
                LabelledFeed({}, np.arange(len(task.adapt)), self.batch, task.seed).inputs(step)
                for step in range(self.steps)
            ]
            for task in tasks
        ]
        return Run(
            variables,
            self.corpus.images(positions),
            interpolated_targets(self.corpus.labels[positions], jax.nn.softmax(logits), rhos),
            jnp.asarray(orders),
            rates,
            jnp.stack([jax.random.key(task.seed) for task in tasks]),
        )

    def adapted(
        self, method: Method, tasks: Sequence[Task], settings: Sequence[Setting]
    ) -> list[float]:
        """Accuracy of every task after adaptation with its setting."""
        accuracies = []
        for start in range(0, len(tasks), self.together):
            part, chosen = tasks[start : start + self.together], settings[start:][: self.together]
            runs = self.runs(_extended(part, self.together), _extended(chosen, self.together))
            params = self._programs[method]({method: runs})[method]
            accuracies += self._accuracies({"params": params}, part)
        return accuracies

    def unadapted(self, tasks: Sequence[Task]) -> list[float]:
        """Accuracy of every task before any adaptation."""
        accuracies = []
        for start in range(0, len(tasks), self.together):
            part = tasks[start : start + self.together]
            filled = _extended(part, self.together)
            accuracies += self._accuracies(_stacked([task.variables for task in filled]), part)
        return accuracies

    def _accuracies(self, variables: Any, tasks: Sequence[Task]) -> list[float]:
        """Accuracy of the first stacked variables on the tasks' tests."""
        count = jax.tree.leaves(variables)[0].shape[0]
        longest = int(np.bincount(self.corpus.utterances.speakers).max())
        tests = [task.test for task in tasks]
        positions = _filled(_extended(tests, count), longest)
        predicted = np.asarray(self._logits(variables, positions).argmax(axis=-1))
        labels = self.corpus.utterances.labels
        return [
            float((row[: len(test)] == labels[test]).mean())
            for row, test in zip(predicted, tests, strict=False)
        ]


def _stacked(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def _extended(items: Sequence[Any], count: int) -> list[Any]:
    """So many items, the first one repeated."""
    return [*items, *[items[0]] * (count - len(items))]


def _filled(positions: Sequence[np.ndarray], length: int) -> np.ndarray:
    """[runs, length], shorter rows filled by repeating their first position."""
    return np.stack([np.r_[each, np.repeat(each[:1], length - len(each))] for each in positions])
