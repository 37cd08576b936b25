"""A net that learns to tell the attributes of images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
import optax
from jax.sharding import Mesh

from jtransfer.data.feeds.resident import Domain, ResidentFeed, centred, channel_means
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.initial import initial
from jtransfer.train.compilation import compile_step
from jtransfer.train.evaluation import map_batches
from jtransfer.train.loop import fit
from jtransfer.train.run_log import RunLog
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.supervised import supervised_loss
from jtransfer.transfer.zero_shot.attribute_groups import group_cross_entropy, group_probabilities


@dataclass(frozen=True)
class Training:
    """How a net is trained.

    Attributes:
      steps: of training.
      batch: images a step.
      learning_rate: of Adam at the start, falling to 0 as a cosine.
      mesh: of the devices that train together; None for one.
    """

    steps: int = 600
    batch: int = 64
    learning_rate: float = 3e-3
    mesh: Mesh | None = None


def train_attribute_net(
    net: Classifier,
    images: np.ndarray,
    places: np.ndarray,
    sizes: Sequence[int],
    *,
    training: Training | None = None,
    seed: int = 0,
    log: RunLog | None = None,
) -> Callable[[np.ndarray], np.ndarray]:
    """Train a net to tell the attributes of images, one of each group.

    Args:
      net: with an output for each attribute, group after group.
      images: [n, height, width, channels] uint8.
      places: of each image's attribute within each group, [n, groups].
      sizes: number of attributes in each group.
      training: how long and how fast.
      seed: of initial parameters and order.
      log: told the loss.

    Returns:
      From images [n, height, width, channels] uint8 to probabilities [n, attributes].
    """
    training = training or Training()
    sizes, steps, mesh = tuple(sizes), training.steps, training.mesh
    transform = centred(channel_means(images))
    domain = Domain({"image": images, "label": places}, batch=training.batch, transform=transform)
    feed = ResidentFeed({"seen": domain}, seed=seed)
    loss = supervised_loss(net, domain="seen", criterion=partial(group_cross_entropy, sizes=sizes))
    optimizer = optax.adam(optax.cosine_decay_schedule(training.learning_rate, steps))
    variables = initial(net, jax.random.key(seed), np.zeros((1, *images.shape[1:]), np.float32))
    state = TrainState.create(variables, optimizer, rng=jax.random.key(seed + 1))
    step = make_step(loss, optimizer, total_steps=steps)
    compiled = compile_step(step, feed.gather, mesh=mesh)
    state = fit(compiled, state, feed, steps=steps, log=log, mesh=mesh)

    @jax.jit
    def probabilities(pixels: jax.Array) -> jax.Array:
        variables = {"params": state.params, **state.stats}
        logits: Any = net.apply(variables, transform(pixels), method="predict")
        return group_probabilities(logits, sizes=sizes)

    return partial(map_batches, probabilities)
