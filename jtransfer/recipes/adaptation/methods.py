"""The methods of unsupervised domain adaptation: net, loss, optimizer, images of each."""

from functools import partial

import optax

from jtransfer.data.augment.random_affine import random_affine
from jtransfer.nets.translation import translation_net
from jtransfer.recipes.adaptation import alignments, from_source
from jtransfer.recipes.adaptation.descent import (
    AUGMENT,
    AUGMENTED,
    AVERAGE,
    as_read,
    descent,
    net_of,
    on_every_domain,
)
from jtransfer.recipes.adaptation.options import Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.recipe import Method, Recipe
from jtransfer.train.schedules import sigmoid_ramp
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

MAPPED = "random affine map"  # which leaves pixels in their range


def source_only(problem: Problem, options: Options, steps: int) -> Recipe:
    """Plain training on the source; the net has its statistics alone."""
    net = net_of(problem, options)
    return Recipe(net, supervised_loss(net), **descent(options, steps), domains=(0, 0))


def target_only(problem: Problem, options: Options, steps: int) -> Recipe:
    """Plain training on the target: the end of the scale."""
    net = net_of(problem, options)
    loss = supervised_loss(net, domain="target", domain_index=1)
    return Recipe(net, loss, **descent(options, steps), domains=(1, 1))


def dann(problem: Problem, options: Options, steps: int) -> Recipe:
    """Domain-adversarial training."""
    net = net_of(problem, options)
    loss = dann_loss(net, reversal=partial(sigmoid_ramp, gamma=options.gamma))
    return Recipe(net, loss, **descent(options, steps), average=AVERAGE)


def weighted(problem: Problem, options: Options, steps: int) -> Recipe:
    """Domain-adversarial training, the source's classes weighted as they seem to come."""
    net = net_of(problem, options)
    loss = weighted_dann_loss(net, reversal=partial(sigmoid_ramp, gamma=options.gamma))
    start = partial(with_shares, classes=len(problem.source.classes))
    return Recipe(net, loss, **descent(options, steps), start=start, average=AVERAGE)


def adda(problem: Problem, options: Options, steps: int) -> Recipe:
    """An encoder for the target, from the source-only run; the paper's optimizer.

    The discriminator reads class logits, as in the authors' published code, but for some pairs.
    """
    del steps
    net = net_of(problem, options).clone(judged=options.judged)
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
        **as_read(options, settings),
        average=AVERAGE,
    )


def teacher(problem: Problem, options: Options, steps: int) -> Recipe:
    """A mean teacher on randomly mapped and convolved images.

    Beside DANN's adversary, and with guesses wholly aligned, where both domains have their classes
    equally often; elsewhere half aligned.
    """
    if options.trunk is not None and options.trunk.passed:
        raise ValueError(
            f"a mean teacher on what {options.trunk.passed[-1]} gives; expected images, which it "
            "changes at random. Train it without frozen_outputs, or choose another method"
        )
    net, rate = net_of(problem, options, dropout=0.0), 1e-3
    alike = options.like_frequencies
    align = 1.0 if alike else 0.5
    return Recipe(
        net,
        mean_teacher_loss(
            net,
            augment=AUGMENT,
            align=align,
            reversal=partial(sigmoid_ramp, gamma=options.gamma) if alike else None,
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


def translation(problem: Problem, options: Options, steps: int) -> Recipe:
    """Image translation on a net of its own, whose decoders write images in 0..1.

    The discriminator of codes reads the class logits that they give where ADDA's does.
    """
    if options.trunk is not None:
        raise ValueError(
            f"image translation on {options.trunk.loaded.name}; expected no trunk, since its net "
            "is one of its own. Choose another method"
        )
    rate, beta = 1e-3, 0.5
    _, size, _, channels = problem.source.images.shape
    net = translation_net(
        classes=len(problem.source.classes), channels=channels, size=size, width=16
    ).clone(judged=options.judged)
    return Recipe(
        net,
        translation_loss(net),
        optax.adam(optax.cosine_decay_schedule(rate, steps), b1=beta),
        {
            "optimizer": "Adam",
            "rate": rate,
            "beta1": beta,
            "judged": net.judged,
            **({"augment": MAPPED} if options.augmented else {}),
        },
        pixels="plain",
        augment=on_every_domain(random_affine()) if options.augmented else None,
        average=AVERAGE,
    )


BOTH = ("source", "target")
METHODS: dict[str, Method] = {
    "source": Method("source only", ("source",), ("source",), source_only),
    "sa": Method("SA", BOTH, ("source",), None, from_source=True),
    "dann": Method("DANN", BOTH, ("source",), dann),
    "weighted": Method("DANN, weighted classes", BOTH, ("source",), weighted),
    "adda": Method("ADDA", BOTH, (), adda, from_source=True),
    "translation": Method("image translation", BOTH, ("source",), translation),
    "teacher": Method("mean teacher", BOTH, ("source",), teacher),
    "coral": Method("Deep CORAL", BOTH, ("source",), alignments.coral),
    "dan": Method("DAN", BOTH, ("source",), alignments.dan),
    "jan": Method("JAN", BOTH, ("source",), alignments.jan),
    "deepjdot": Method("DeepJDOT", BOTH, ("source",), alignments.deepjdot),
    "afn": Method("AFN", BOTH, ("source",), alignments.afn),
    "mcc": Method("MCC", BOTH, ("source",), alignments.mcc),
    "mdd": Method("MDD", BOTH, ("source",), alignments.mdd),
    "cdan": Method("CDAN", BOTH, ("source",), alignments.cdan),
    "cdan_e": Method("CDAN+E", BOTH, ("source",), alignments.cdan_e),
    "self_training": Method(
        "self-training", BOTH, ("source",), from_source.self_training, from_source=True
    ),
    "shot": Method("SHOT", ("target",), (), from_source.shot, from_source=True),
    "tent": Method("TENT", ("target",), (), from_source.tent, from_source=True),
    "target": Method("train on target", ("target",), ("target",), target_only),
}
