"""What a user writes with jtransfer: `train` is counted."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
import optax

import jtransfer as jt
from experiments.throughput.beside_tllib.tasks import Arrays
from experiments.throughput.beside_tllib.watch import Watch
from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import Head, Trunk
from jtransfer.train.schedules import inverse_decay

HIDDEN = 256  # features that methods make alike, of features that are there


def net_for(data: Arrays) -> AdaptationNet:
    """Ganin's net for MNIST, or a hidden layer under linear classifiers."""
    if data.source.ndim == 4:
        return jt.mnist_net(classes=data.classes)
    trunk = Trunk((("hidden", partial(FullStage, HIDDEN)),))
    return AdaptationNet(trunk, Head((), data.classes), Head((100,), 1))


def train(
    net: AdaptationNet,
    method: str,
    data: Arrays,
    *,
    steps: int,
    batch: int,
    rate: float,
    seed: int,
    watch: Watch,
) -> Callable[[np.ndarray], np.ndarray]:
    """Train, and return what guesses classes."""
    jt.prepare_process()
    if method == "CDAN":
        net = net.clone(judged="multilinear")
    loss = jt.cdan_loss(net) if method == "CDAN" else jt.dann_loss(net)
    variables = net.init(jax.random.key(seed), data.source[:1])
    optimizer = optax.sgd(inverse_decay(rate, total_steps=steps), momentum=0.9)
    step = jt.make_step(loss, optimizer, total_steps=steps)
    source = jt.Domain({"image": data.source, "label": data.labels}, batch)
    target = jt.Domain({"image": data.target}, batch)
    feed = jt.ResidentFeed({"source": source, "target": target}, seed)
    state = jt.TrainState.create(variables, optimizer, rng=jax.random.key(seed))
    state = jt.fit(jt.compile_step(step, feed.gather), state, watch.feed(feed), steps=steps)
    learned = jax.block_until_ready({"params": state.params, **state.stats})
    predict = jax.jit(partial(net.apply, learned, method="predict"))
    return lambda examples: np.asarray(predict(examples)).argmax(axis=1)


def initial_params(data: Arrays, seed: int) -> Any:
    """The parameters that `train` begins with, for the same in the other library."""
    return net_for(data).init(jax.random.key(seed), data.source[:1])["params"]
