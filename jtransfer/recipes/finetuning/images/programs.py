"""What trains and what guesses, on images and on cached features alike."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax

from jtransfer.nets.classifier import Classifier
from jtransfer.recipes.finetuning.tuning import Tuning
from jtransfer.train.evaluation import map_batches
from jtransfer.train.state import TrainState
from jtransfer.transfer.finetuning.finetune import Program, compile_phases
from jtransfer.transfer.finetuning.layers import layer_names
from jtransfer.transfer.finetuning.regimes import plan


def programs_of(
    net: Classifier,
    params: Any,
    tuning: Tuning,
    *,
    steps: int,
    learning_rate: float,
    momentum: float,
    **how: Any,
) -> tuple[Program, ...]:
    """The compiled phases of a tuning, the learning rate falling to 0 as a cosine.

    `how` are further arguments of `compile_phases`.
    """
    return compile_phases(
        net,
        params,
        plan(tuning.regime, layer_names(net), steps=steps),
        loss=tuning.loss,
        optimizer=lambda phase: optax.sgd(
            optax.cosine_decay_schedule(learning_rate, phase), momentum=momentum, nesterov=True
        ),
        **how,
    )


def guessed(
    net: Classifier,
    state: TrainState,
    images: np.ndarray,
    prepare: Callable[[jax.Array], jax.Array] = lambda images: images,
) -> np.ndarray:
    """Classes of images or features, as at test time."""
    variables = {"params": state.params, **state.stats}

    @jax.jit
    def guess(images: jax.Array) -> jax.Array:
        return net.apply(variables, prepare(images), method="predict").argmax(-1)  # pyright: ignore

    return map_batches(guess, images, batch=64)
