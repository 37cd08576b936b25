"""A net to transfer from: trained once, kept in the folder of its run."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jtransfer.recipes.finetuning.learner import Learner
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.state import TrainState
from jtransfer.transfer.finetuning.layers import Variables


def train_source(
    learner: Learner,
    path: Path,
    settings: Mapping[str, Any],
    variables: Variables,
    constants: Mapping[str, jax.Array],
    positions: np.ndarray,
    *,
    learning_rate: float,
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
      learning_rate: at the start.
      seed: of the order.
      measure: numbers for the result.
    """
    folder = RunFolder(path, settings)
    with Checkpoints(folder.checkpoint_folder) as checkpoints:
        started = time.perf_counter()
        state = learner.train(
            variables,
            constants,
            positions,
            learning_rate=learning_rate,
            seed=seed,
            checkpoints=checkpoints,
        )
        result = folder.result()
        if result is None:
            seconds = round(time.perf_counter() - started, 1)
            result = folder.write_result({**settings, **measure(state), "seconds": seconds})
    shown = {name: value for name, value in result.items() if name.endswith("accuracy")}
    print(f"{path.name}: " + ", ".join(f"{name} {value:.4f}" for name, value in shown.items()))
    return state, result
