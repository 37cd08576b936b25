"""A method from a seed, when it has been run."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np

from jtransfer.recipes.adaptation.program import Program
from jtransfer.train.evaluation import map_batches
from jtransfer.train.state import TrainState

# Images at a time: of 224 x 224 pixels fewer, or the maps of large nets would not fit into memory.
_MOST, _PIXELS = 500, 64 * 224 * 224


def said(result: dict[str, Any]) -> str:
    """How right a finished run is, for a line on screen, where that is known."""
    known = result.get("target_accuracy")
    return "" if known is None else f", accuracy {known:.4f}"


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
      result: what `result.json` holds.
      records: what was logged.
      guess: from images of the target to classes [n].
      source_features: of the source's images, [n, features].
      target_features: of the target's.
      trained: the program and its state after the last step, where something was trained by steps.
    """

    result: dict[str, Any]
    records: list[dict[str, Any]]
    guess: Callable[[np.ndarray], np.ndarray]
    source_features: Callable[[np.ndarray], np.ndarray]
    target_features: Callable[[np.ndarray], np.ndarray]
    trained: tuple[Program, TrainState] | None = None

    def reader(self, name: str) -> Callable[[np.ndarray], np.ndarray]:
        """A function of the trained program, named as there, over any number of images."""
        if self.trained is None:
            raise ValueError("nothing was trained by steps")
        program, state = self.trained
        return over(getattr(program, name), state)


def over(
    read: Callable[[TrainState, jax.Array], jax.Array], state: TrainState
) -> Callable[[np.ndarray], np.ndarray]:
    """A compiled function of a state and a batch as one of any number of images."""

    def of_all(images: np.ndarray) -> np.ndarray:
        batch = max(1, min(_MOST, _PIXELS // int(np.prod(images.shape[1:3]))))
        return map_batches(partial(read, state), images, batch=batch)

    return of_all


def run_of(
    program: Program, result: dict[str, Any], records: list[dict[str, Any]], state: TrainState
) -> Run:
    """What a program and its state after the last step have become."""
    return Run(
        result,
        records,
        lambda images: over(program.target_logits, state)(images).argmax(-1),
        over(program.source_features, state),
        over(program.target_features, state),
        (program, state),
    )


def started_from(source: Run | None) -> dict[str, Any]:
    """For a run's settings: how the source-only run was trained that it starts from, if it does."""
    if source is None or source.trained is None:
        return {}
    program, _ = source.trained
    return {"source_settings": program.recipe.settings}
