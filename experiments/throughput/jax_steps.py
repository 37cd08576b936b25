"""The steps of jtransfer that are timed: each compiled, with its first state and its feed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.throughput.random_data import (
    RAMP,
    Pixels,
    Size,
    random_features,
    random_floats,
    random_images,
    random_speech,
)
from jtransfer.data.augment.geometric import Augmentation
from jtransfer.data.feeds.resident import Domain, ResidentFeed, channel_means
from jtransfer.nets.acoustic import acoustic_net
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.ganin import GANIN_NETS
from jtransfer.nets.lenet import lenet
from jtransfer.nets.parts.trunk import Head, Trunk
from jtransfer.nets.translation import translation_net
from jtransfer.recipes.adaptation.descent import AUGMENT
from jtransfer.recipes.adaptation.problem import pixel_transform
from jtransfer.recipes.finetuning.images.nets import TUNED_NETS
from jtransfer.recipes.labelled import LabelledFeed
from jtransfer.train.compilation import CompiledStep, compile_step
from jtransfer.train.loop import Feed
from jtransfer.train.schedules import inverse_decay
from jtransfer.train.state import TrainState
from jtransfer.train.step import Loss, make_step
from jtransfer.train.together import compile_runs
from jtransfer.transfer.adaptation.adda import ADDA_RULES, adda_loss, untie_encoders
from jtransfer.transfer.adaptation.dann import dann_loss
from jtransfer.transfer.adaptation.mean_teacher import mean_teacher_loss, with_teacher
from jtransfer.transfer.adaptation.translation import translation_loss
from jtransfer.transfer.parameter_groups import parameter_groups
from jtransfer.transfer.supervised import supervised_loss
from jtransfer.transfer.zero_shot.compatibility import Bilinear, ale_ranking, compatibility_loss

STEPS = 10_000  # length of the run that the steps are taken from


@dataclass(frozen=True)
class Work:
    """A compiled step, `step(state, feed.constants, feed.inputs(number))`, and where it starts.

    It returns the new state, or None where nothing moves, and something more. `of_runs` is the step
    of several runs at once; forward passes have none.
    """

    step: Any
    state: Any
    feed: Feed
    of_runs: CompiledStep | None = None


def blank(size: Size) -> jax.Array:
    """An image to initialise a net with."""
    return jnp.zeros((1, size.pixels, size.pixels, size.channels))


def resident(size: Size, pixels: Pixels) -> ResidentFeed:
    """Batches of random images of all the domains."""

    def transform(images: np.ndarray) -> Callable[[jax.Array], jax.Array]:
        if pixels == "imagenet":
            return TUNED_NETS["alexnet_2014"].normalised
        return pixel_transform(pixels, channel_means(images))

    arrays = random_images(size)
    return ResidentFeed(
        {
            name: Domain(fields, size.batch, transform(fields["image"]))
            for name, fields in arrays.items()
        }
    )


def training(
    variables: Mapping[str, Any],
    loss: Loss,
    optimizer: optax.GradientTransformation,
    feed: Feed,
    gather: Callable[[Any, Any], Any],
    *,
    rules: Mapping[str, Any] | None = None,
) -> Work:
    """A training step of everything, or of what the rules let move."""
    trainable = None
    if rules is not None:
        groups = parameter_groups(variables["params"], rules)
        optimizer, trainable = groups.optimizer(optimizer), groups.trainable
    state = TrainState.create(variables, optimizer, rng=jax.random.key(1))
    step = make_step(loss, optimizer, total_steps=STEPS, trainable=trainable)
    compiled: CompiledStep = compile_step(step, gather)
    return Work(compiled, state, feed, compile_runs(step, gather))


def half(progress: jax.Array) -> jax.Array:
    """`RAMP`, at any progress."""
    return jnp.full_like(progress, RAMP, jnp.float32)


def dann(size: Size, *, name: str) -> Work:
    """A step of domain-adversarial training, with the paper's optimizer."""
    net = GANIN_NETS[name](
        classes=size.classes, **({} if size.width == 1 else {"width": size.width})
    )
    feed = resident(size, "centred")
    optimizer = optax.sgd(inverse_decay(0.01, total_steps=STEPS), momentum=0.9)
    variables = net.init(jax.random.key(0), blank(size))
    return training(variables, dann_loss(net, reversal=half), optimizer, feed, feed.gather)


def adda(size: Size) -> Work:
    """A step of ADDA on the paper's net."""
    net, feed = lenet(classes=size.classes), resident(size, "centred")
    variables = untie_encoders(net.init(jax.random.key(0), blank(size)))
    optimizer = optax.adam(2e-4, b1=0.5)
    return training(variables, adda_loss(net), optimizer, feed, feed.gather, rules=ADDA_RULES)


def teacher(size: Size, *, augment: Augmentation = AUGMENT) -> Work:
    """A step of the mean teacher beside DANN, on the MNIST net with batch norm per domain."""
    net, feed = GANIN_NETS["mnist"](classes=size.classes, norm=True), resident(size, "standardised")
    variables = with_teacher(net.init(jax.random.key(0), blank(size)), classes=size.classes)
    loss = mean_teacher_loss(net, augment=augment, weight=half, reversal=half)
    return training(variables, loss, optax.adam(1e-3), feed, feed.gather)


def translation(size: Size) -> Work:
    """A step of image translation."""
    net = translation_net(classes=size.classes, channels=size.channels, size=size.pixels, width=16)
    feed, optimizer = resident(size, "plain"), optax.adam(1e-3, b1=0.5)
    variables = net.init(jax.random.key(0), blank(size))
    return training(variables, translation_loss(net, ramp=half), optimizer, feed, feed.gather)


@dataclass(frozen=True)
class Same:
    """A feed that gives the same images to every step."""

    constants: Any

    def inputs(self, step: int) -> tuple[()]:
        """Nothing."""
        return ()


def forward(size: Size, *, net: Callable[..., Trunk]) -> Work:
    """A forward pass of a whole net."""
    trunk = net(classes=size.classes)
    variables = jax.jit(trunk.init)(jax.random.key(0), blank(size))
    step = jax.jit(lambda state, images, nothing: (None, trunk.apply(state, images)))
    return Work(step, variables, Same(jax.device_put(random_floats(size))))


def fine_tuning(size: Size, *, trunk: Callable[[], Trunk]) -> Work:
    """A step on all of a trunk with a new linear head; batch norm keeps its statistics."""
    net, feed = Classifier(trunk(), Head((), size.classes)), resident(size, "imagenet")
    variables = jax.jit(net.init)(jax.random.key(0), blank(size))
    optimizer = optax.sgd(1e-3, momentum=0.9, nesterov=True)
    return training(variables, supervised_loss(net), optimizer, feed, feed.gather)


def zero_shot(size: Size) -> Work:
    """A step of ALE on features and attributes of the size of AwA1's."""
    fields, signatures = random_features(size)
    net, feed = Bilinear(), ResidentFeed({"seen": Domain(fields, size.batch)})
    variables: Any = net.init(jax.random.key(0), fields["feature"][:1], signatures)
    loss = compatibility_loss(net, signatures, ale_ranking)
    return training(variables, loss, optax.adam(1e-3), feed, feed.gather)


def speech(size: Size) -> Work:
    """A step of the acoustic net."""
    net = acoustic_net(classes=size.classes)
    fields = jax.tree.map(jnp.asarray, random_speech(size))
    feed = LabelledFeed(fields, np.arange(len(fields["label"])), size.batch, seed=0)

    def gather(constants: Any, positions: jax.Array) -> Any:
        return {"source": jax.tree.map(lambda values: values[positions], constants)}

    first = jax.tree.map(lambda values: values[:1], fields["image"])
    variables = net.init(jax.random.key(0), first)
    return training(variables, supervised_loss(net), optax.adamw(3e-3), feed, gather)
