"""Methods that bring both domains' features or guesses together while the source is learned.

Settings are the papers'; the optimizer is DANN's.
"""

from functools import partial

from jtransfer.recipes.adaptation.descent import AVERAGE, descent, net_of
from jtransfer.recipes.adaptation.options import Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.recipe import Recipe
from jtransfer.train.schedules import sigmoid_ramp
from jtransfer.transfer.adaptation.afn import afn_loss
from jtransfer.transfer.adaptation.cdan import cdan_loss
from jtransfer.transfer.adaptation.dan import dan_loss
from jtransfer.transfer.adaptation.deep_coral import deep_coral_loss
from jtransfer.transfer.adaptation.deep_jdot import deep_jdot_loss
from jtransfer.transfer.adaptation.jan import jan_loss
from jtransfer.transfer.adaptation.mcc import mcc_loss
from jtransfer.transfer.adaptation.mdd import mdd_loss


def coral(problem: Problem, options: Options, steps: int) -> Recipe:
    """The covariances of both domains' logits brought together."""
    net = net_of(problem, options)
    return Recipe(net, deep_coral_loss(net), **descent(options, steps))


def dan(problem: Problem, options: Options, steps: int) -> Recipe:
    """The discrepancy of the features, with several kernels."""
    net = net_of(problem, options)
    weight = partial(sigmoid_ramp, gamma=options.gamma)
    return Recipe(net, dan_loss(net, weight=weight), **descent(options, steps))


def jan(problem: Problem, options: Options, steps: int) -> Recipe:
    """The joint discrepancy of features and class probabilities."""
    net = net_of(problem, options)
    weight = partial(sigmoid_ramp, gamma=options.gamma)
    return Recipe(net, jan_loss(net, weight=weight), **descent(options, steps))


def deepjdot(problem: Problem, options: Options, steps: int) -> Recipe:
    """Optimal transport of features and labels together, batch by batch."""
    net = net_of(problem, options)
    return Recipe(net, deep_jdot_loss(net), **descent(options, steps))


def afn(problem: Problem, options: Options, steps: int) -> Recipe:
    """Features of both domains pulled to larger norms."""
    net = net_of(problem, options)
    return Recipe(net, afn_loss(net), **descent(options, steps))


def mcc(problem: Problem, options: Options, steps: int) -> Recipe:
    """The class confusion of the guesses on the target."""
    net = net_of(problem, options)
    return Recipe(net, mcc_loss(net), **descent(options, steps))


def mdd(problem: Problem, options: Options, steps: int) -> Recipe:
    """The game about a second classifier, as large as the first one."""
    net = net_of(problem, options)
    net = net.clone(domain_head=net.label_head.clone())
    return Recipe(net, mdd_loss(net), **descent(options, steps), average=AVERAGE)


def cdan(problem: Problem, options: Options, steps: int) -> Recipe:
    """DANN's game on features and class probabilities together."""
    net = net_of(problem, options).clone(judged="multilinear")
    loss = cdan_loss(net, reversal=partial(sigmoid_ramp, gamma=options.gamma))
    return Recipe(net, loss, **descent(options, steps), average=AVERAGE)


def cdan_e(problem: Problem, options: Options, steps: int) -> Recipe:
    """The same, sure examples counting more."""
    net = net_of(problem, options).clone(judged="multilinear")
    reversal = partial(sigmoid_ramp, gamma=options.gamma)
    loss = cdan_loss(net, entropy_conditioning=True, reversal=reversal)
    return Recipe(net, loss, **descent(options, steps), average=AVERAGE)
