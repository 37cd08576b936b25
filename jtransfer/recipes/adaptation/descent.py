"""What most methods of adaptation are trained by: the net, stochastic gradient descent, images."""

from collections.abc import Callable
from typing import Any

import jax
import optax

from jtransfer.data.augment.geometric import Augmentation, compose, on_images
from jtransfer.data.augment.random_affine import random_affine
from jtransfer.data.augment.random_convolution import random_convolution
from jtransfer.nets.ganin import AdaptationNet
from jtransfer.recipes.adaptation.frozen_outputs import FrozenOutputs
from jtransfer.recipes.adaptation.options import Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.train.schedules import inverse_decay

AUGMENT = compose(random_affine(), random_convolution())
AUGMENTED = "random affine map, random convolution, each image standardised"
AVERAGE = 0.998  # share of a game's average that is kept at each step (Shu et al., ICLR 2018)


def net_of(problem: Problem, options: Options, **changes: Any) -> AdaptationNet:
    """The net; batch norm keeps statistics of domain 0, the source, and 1, the target.

    That of a published trunk is as it was published, whatever is to be changed.

    Raises:
      ValueError: if a trunk above frozen stages is given images, or another net what these give.
    """
    above = options.trunk is not None and bool(options.trunk.passed)
    if above != isinstance(problem.source, FrozenOutputs):
        raise ValueError(
            f"{problem.source.name} as {type(problem.source).__name__}, for a net "
            f"{'above' if above else 'without'} frozen stages; expected what frozen_outputs gives "
            "for Options(trunk=trunk.above_frozen), and images for any other net"
        )
    if options.trunk is not None:
        return options.trunk.net(classes=len(problem.source.classes))
    return options.net(classes=len(problem.source.classes), **{**options.net_options, **changes})


def on_every_domain(augmentation: Augmentation) -> Callable[[jax.Array, Any], Any]:
    """For `make_step`: a random change of the images of every domain of a batch."""

    def augment(key: jax.Array, batch: Any) -> Any:
        return compose(*(on_images(augmentation, domain=domain) for domain in batch))(key, batch)

    return augment


def as_read(options: Options, settings: dict[str, Any]) -> dict[str, Any]:
    """How the images come that the problem's net reads, beside a recipe's settings."""
    if not options.augmented:
        return {"settings": settings, "pixels": "centred"}
    return {
        "settings": settings | {"augment": AUGMENTED},
        "pixels": "standardised",
        "augment": on_every_domain(AUGMENT),
    }


def descent(options: Options, steps: int) -> dict[str, Any]:
    """The paper's stochastic gradient descent, and how the images come."""
    rate = options.learning_rate
    settings = {"rate": rate, "momentum": options.momentum, "gamma": options.gamma}
    falling = inverse_decay(rate, total_steps=steps)
    return {
        "optimizer": optax.sgd(falling if options.annealed else rate, momentum=options.momentum),
        **as_read(options, settings),
    }
