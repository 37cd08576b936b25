"""How each method of the table of domain adaptation trains: net, loss, optimizer, images."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import optax

from experiments.domain_config import NETS, Config
from experiments.domain_pairs import PAIRS
from experiments.domain_problem import Pixels, Problem
from jtransfer.data.augment.geometric import Augmentation, compose, on_images
from jtransfer.data.augment.random_affine import random_affine
from jtransfer.data.augment.random_convolution import random_convolution
from jtransfer.nets.ganin import GANIN_NETS, AdaptationNet
from jtransfer.nets.lenet import lenet
from jtransfer.nets.translation import translation_net
from jtransfer.train.schedules import inverse_decay, sigmoid_ramp
from jtransfer.train.step import Loss
from jtransfer.transfer.adaptation.adda import (
    ADDA_RULES,
    adda_loss,
    target_variables,
    untie_encoders,
)
from jtransfer.transfer.adaptation.dann import dann_loss
from jtransfer.transfer.adaptation.mean_teacher import (
    mean_teacher_loss,
    teacher_variables,
    with_teacher,
)
from jtransfer.transfer.adaptation.translation import translation_loss
from jtransfer.transfer.adaptation.weighted_dann import weighted_dann_loss, with_shares
from jtransfer.transfer.supervised import supervised_loss

Variables = Any
AUGMENT = compose(random_affine(), random_convolution())
AUGMENTED = "random affine map, random convolution, each image standardised"
MAPPED = "random affine map"  # which leaves pixels in their range
AVERAGE = 0.998  # share of a game's average that is kept at each step (Shu et al., ICLR 2018)
PAIR_NETS: dict[str, Callable[..., AdaptationNet]] = {**GANIN_NETS, "lenet": lenet}


def as_they_are(variables: Variables) -> Variables:
    """No change."""
    return variables


@dataclass(frozen=True)
class Recipe:
    """How a method trains a net.

    Attributes:
      net: the net.
      loss: for `make_step`.
      optimizer: of what moves.
      settings: of the optimizer and the loss, for the config and the report.
      rules: who moves, for `parameter_groups`.
      start: from the net's variables to those that training starts from.
      on_source: from a state's variables to those that read source images.
      on_target: the same for target images.
      domains: whose batch-norm statistics are used on source and on target images.
      pixels: what is done to the images.
      augment: for `make_step`.
      average: share of a running average of the parameters that is kept at each step. Beside the
        last parameters it is tried too: games circle around where they would settle. None for no
        average.
    """

    net: AdaptationNet
    loss: Loss
    optimizer: optax.GradientTransformation
    settings: dict[str, Any]
    rules: dict[str, str] = field(default_factory=lambda: {".*": "full"})
    start: Callable[[Variables], Variables] = as_they_are
    on_source: Callable[[Variables], Variables] = as_they_are
    on_target: Callable[[Variables], Variables] = as_they_are
    domains: tuple[int, int] = (0, 1)
    pixels: Pixels = "centred"
    augment: Callable[[jax.Array, Any], Any] | None = None
    average: float | None = None


def net_of(config: Config, problem: Problem, **changes: Any) -> AdaptationNet:
    """The pair's net; batch norm keeps statistics of domain 0, the source, and 1, the target."""
    pair, options = PAIRS[config.pair], {**NETS[config.net], **changes}
    if config.preset == "small" and pair.small_width is not None:
        options["width"] = pair.small_width
    return PAIR_NETS[pair.net](classes=len(problem.source.classes), **options)


def on_every_domain(augmentation: Augmentation) -> Callable[[jax.Array, Any], Any]:
    """For `make_step`: a random change of the images of every domain of a batch."""

    def augment(key: jax.Array, batch: Any) -> Any:
        return compose(*(on_images(augmentation, domain=domain) for domain in batch))(key, batch)

    return augment


def as_read(config: Config, settings: dict[str, Any]) -> dict[str, Any]:
    """How the images come that the pair's net reads, beside a recipe's settings."""
    if not config.augmented:
        return {"settings": settings, "pixels": "centred"}
    return {
        "settings": settings | {"augment": AUGMENTED},
        "pixels": "standardised",
        "augment": on_every_domain(AUGMENT),
    }


def descent(config: Config, steps: int) -> dict[str, Any]:
    """The paper's stochastic gradient descent, and how the images come."""
    settings = {"rate": config.first_rate, "momentum": config.momentum, "gamma": config.gamma}
    return {
        "optimizer": optax.sgd(
            inverse_decay(config.first_rate, total_steps=steps), momentum=config.momentum
        ),
        **as_read(config, settings),
    }


def source_only(config: Config, problem: Problem, steps: int) -> Recipe:
    """Plain training on the source; the net has its statistics alone."""
    net = net_of(config, problem)
    return Recipe(net, supervised_loss(net), **descent(config, steps), domains=(0, 0))


def target_only(config: Config, problem: Problem, steps: int) -> Recipe:
    """Plain training on the target: the end of the scale."""
    net = net_of(config, problem)
    loss = supervised_loss(net, domain="target", domain_index=1)
    return Recipe(net, loss, **descent(config, steps), domains=(1, 1))


def dann(config: Config, problem: Problem, steps: int) -> Recipe:
    """Domain-adversarial training."""
    net = net_of(config, problem)
    loss = dann_loss(net, reversal=partial(sigmoid_ramp, gamma=config.gamma))
    return Recipe(net, loss, **descent(config, steps), average=AVERAGE)


def weighted(config: Config, problem: Problem, steps: int) -> Recipe:
    """Domain-adversarial training, the source's classes weighted as they seem to come."""
    net = net_of(config, problem)
    loss = weighted_dann_loss(net, reversal=partial(sigmoid_ramp, gamma=config.gamma))
    start = partial(with_shares, classes=len(problem.source.classes))
    return Recipe(net, loss, **descent(config, steps), start=start, average=AVERAGE)


def adda(config: Config, problem: Problem, steps: int) -> Recipe:
    """An encoder for the target, from the source-only run; the paper's optimizer.

    The discriminator reads class logits, as in the authors' published code, but for some pairs.
    """
    del steps
    net = net_of(config, problem).clone(judged=PAIRS[config.pair].judged)
    rate, beta = 2e-4, 0.5
    settings = {"optimizer": "Adam", "rate": rate, "beta1": beta, "judged": net.judged}
    return Recipe(
        net,
        adda_loss(net),
        optax.adam(rate, b1=beta),
        rules=ADDA_RULES,
        start=untie_encoders,
        on_target=target_variables,
        domains=(0, 0),
        **as_read(config, settings),
        average=AVERAGE,
    )


def teacher(config: Config, problem: Problem, steps: int) -> Recipe:
    """A mean teacher on randomly mapped and convolved images.

    Beside DANN's adversary, and with guesses wholly aligned, where both domains have their classes
    equally often; elsewhere half aligned.
    """
    net, rate = net_of(config, problem, dropout=0.0), 1e-3
    alike = PAIRS[config.pair].like_frequencies
    align = 1.0 if alike else 0.5
    return Recipe(
        net,
        mean_teacher_loss(
            net,
            augment=AUGMENT,
            align=align,
            reversal=partial(sigmoid_ramp, gamma=config.gamma) if alike else None,
        ),
        optax.adam(optax.cosine_decay_schedule(rate, steps)),
        {
            "optimizer": "Adam",
            "rate": rate,
            "augment": AUGMENTED,
            **({} if alike else {"alignment": align}),
        },
        start=partial(with_teacher, classes=len(problem.source.classes)),
        on_source=teacher_variables,
        on_target=teacher_variables,
        pixels="standardised",
    )


def translation(config: Config, problem: Problem, steps: int) -> Recipe:
    """Image translation on a net of its own, whose decoders write images in 0..1.

    The discriminator of codes reads the class logits that they give where ADDA's does.
    """
    rate, beta = 1e-3, 0.5
    _, size, _, channels = problem.source.images.shape
    net = translation_net(
        classes=len(problem.source.classes), channels=channels, size=size, width=16
    ).clone(judged=PAIRS[config.pair].judged)
    return Recipe(
        net,
        translation_loss(net),
        optax.adam(optax.cosine_decay_schedule(rate, steps), b1=beta),
        {
            "optimizer": "Adam",
            "rate": rate,
            "beta1": beta,
            "judged": net.judged,
            **({"augment": MAPPED} if config.augmented else {}),
        },
        pixels="plain",
        augment=on_every_domain(random_affine()) if config.augmented else None,
        average=AVERAGE,
    )
