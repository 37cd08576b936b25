"""Adaptation as a training loop makes it, a call of the compiled step for every step.

It computes what the one program of `make_adaptation` does.
"""

from typing import Any

import jax
import numpy as np
import optax

from jtransfer.nets.classifier import Classifier
from jtransfer.train.compilation import compile_step
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.finetuning.speaker import (
    Adaptation,
    Method,
    Run,
    adaptation_loss,
    speaker_rules,
)
from jtransfer.transfer.parameter_groups import parameter_groups


def adapt_step_by_step(
    net: Classifier,
    params: Any,
    method: Method,
    *,
    steps: int,
    optimizer: optax.GradientTransformation,
) -> Adaptation:
    """A method of adaptation as a function from a `Run` to the speaker's parameters.

    Args:
      net: from `acoustic_net`.
      params: its parameters, or their shapes.
      method: who moves.
      steps: of the run, as many as its `order` has.
      optimizer: with its learning rate; the run's is not read.
    """
    groups = parameter_groups(params, speaker_rules(method))
    grouped = groups.optimizer(optimizer)
    step = make_step(
        adaptation_loss(net, groups), grouped, total_steps=steps, trainable=groups.trainable
    )

    def gather(constants: Any, positions: jax.Array) -> dict[str, Any]:
        return {"target": jax.tree.map(lambda values: values[positions], constants)}

    compiled = compile_step(step, gather)

    def adapt(run: Run) -> Any:
        state = TrainState.create(run.variables, grouped, rng=run.rng)
        constants = {"image": run.images, "label": run.targets}
        for positions in np.asarray(run.order):
            state, _ = compiled(state, constants, positions)
        return state.params

    return adapt
